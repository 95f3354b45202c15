// axios asks a host, by an agent for tunnels: its own words to a proxy for https are no CONNECT
import {createRequire} from "node:module";
const from = createRequire(process.env.NODES + "/");
const axios = from("axios");
const {HttpsProxyAgent} = from("https-proxy-agent");
const told = {Authorization: "Bearer " + process.env.SHOP_KEY};
const httpsAgent = new HttpsProxyAgent(process.env.HTTPS_PROXY);
const answer = await axios.get(process.argv[2], {headers: told, httpsAgent, proxy: false, responseType: "text", transformResponse: text => text});
console.log(answer.data);
