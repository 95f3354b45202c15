// node's fetch asks a host
const told = {Authorization: "Bearer " + process.env.SHOP_KEY};
console.log(await (await fetch(process.argv[2], {headers: told})).text());
