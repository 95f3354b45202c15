// node's http2 asks a host, by a tunnel through the proxy of the environment
import http from "node:http";
import http2 from "node:http2";
import tls from "node:tls";
const [url, path] = [new URL(process.argv[2]), process.argv[3]];
const proxy = new URL(process.env.HTTPS_PROXY);
const shown = "Basic " + Buffer.from(`${proxy.username}:${proxy.password}`).toString("base64");
const asked = {host: proxy.hostname, port: proxy.port, method: "CONNECT", path: url.host, headers: {"Proxy-Authorization": shown}};
http.request(asked).on("connect", (_answer, socket) => {
  const createConnection = () => tls.connect({socket, servername: url.hostname, ALPNProtocols: ["h2"]});
  const client = http2.connect(url, {createConnection});
  const stream = client.request({":path": path, authorization: "Bearer " + process.env.SHOP_KEY});
  stream.on("data", data => process.stdout.write(data)).on("end", () => client.close());
}).end();
