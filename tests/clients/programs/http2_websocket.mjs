// node's http2 looks whether a host takes WebSockets by HTTP/2 (RFC 8441), asks for one all the same, and goes on
import http from "node:http";
import http2 from "node:http2";
import tls from "node:tls";
const url = new URL(process.argv[2]);
const proxy = new URL(process.env.HTTPS_PROXY);
const shown = "Basic " + Buffer.from(`${proxy.username}:${proxy.password}`).toString("base64");
const asked = {host: proxy.hostname, port: proxy.port, method: "CONNECT", path: url.host, headers: {"Proxy-Authorization": shown}};
const key = {authorization: "Bearer " + process.env.SHOP_KEY};
const socket = {":method": "CONNECT", ":protocol": "websocket", ":path": "/socket", "sec-websocket-version": "13", ...key};
http.request(asked).on("connect", (_answer, tunnel) => {
  const createConnection = () => tls.connect({socket: tunnel, servername: url.hostname, ALPNProtocols: ["h2"]});
  const client = http2.connect(url, {createConnection});
  client.once("remoteSettings", settings => {
    client.request(socket).resume().on("response", head => {
      console.log(settings.enableConnectProtocol, head[":status"], head["x-envfs-proxy"]);
      client.request({":path": "/key", ...key}).resume().on("response", head => console.log(head[":status"])).on("end", () => client.close());
    });
  });
}).end();
