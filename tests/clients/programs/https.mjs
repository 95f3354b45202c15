// node's https asks a host by the base URL of the environment, without a certificate
import http from "node:http";
const told = {Authorization: "Bearer " + process.env.SHOP_KEY};
http.get(process.env.OPENAI_BASE_URL.replace("/v1", "/key"), {headers: told}, answer => answer.pipe(process.stdout));
