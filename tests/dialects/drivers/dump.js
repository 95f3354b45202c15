// What node, deno and bun have in their environment after --env-file.
const environ = typeof Deno === 'undefined' ? process.env : Deno.env.toObject();
console.log(JSON.stringify({ ...environ }));
