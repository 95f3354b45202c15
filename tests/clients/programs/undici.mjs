// undici's fetch asks a host, by the agent that takes the proxy of the environment: for nodes whose own fetch does not
import {createRequire} from "node:module";
const {EnvHttpProxyAgent, fetch} = createRequire(process.env.NODES + "/")("undici");
const told = {Authorization: "Bearer " + process.env.SHOP_KEY};
console.log(await (await fetch(process.argv[2], {headers: told, dispatcher: new EnvHttpProxyAgent()})).text());
