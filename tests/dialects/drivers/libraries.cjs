// libraries.cjs PARSER NODE_MODULES: readers that are npm packages. Paths come in, a JSON line each goes out.
const fs = require('fs');
const path = require('path');
const [, , parser, modules] = process.argv;
const ENVIRON = { ...process.env };
const load = (name) => require(path.join(modules, name));
const loadModule = (name) => import(path.join(modules, name));

// a copy of the environment, as the parser would change the real one
const config = (dotenv, file, more) => {
  const { parsed, error } = dotenv.config({ path: file, processEnv: {}, quiet: true, ...more });
  if (error) throw error;
  return parsed;
};
const expanded = (dotenv, expand, file) => {
  const processEnv = { ...ENVIRON };
  return expand.expand({ parsed: config(dotenv, file, { processEnv }), processEnv }).parsed;
};

// for readers that want a folder with `.env` in it
const inFolder = (file, read) => {
  const folder = fs.mkdtempSync('folder-');
  try {
    fs.copyFileSync(file, path.join(folder, '.env'));
    return read(path.resolve(folder));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
};
const changed = (environ) => Object.fromEntries(Object.entries(environ).filter(([name, value]) => ENVIRON[name] !== value));
const silent = { info() {}, error(...words) { throw new Error(words.join(' ')); } };

const PARSERS = {
  'dotenv-18': (file) => config(load('dotenv'), file),
  'dotenv-18-fast': (file) => config(load('dotenv'), file, { fast: true }),
  'dotenv-16': (file) => config(load('dotenv-16'), file),
  'dotenv-expand-1000': (file) => expanded(load('dotenv'), load('dotenv-expand'), file),
  'dotenv-expand-11': (file) => expanded(load('dotenv-16'), load('dotenv-expand-11'), file),
  'dotenv-flow': (file) => load('dotenv-flow').parse(file),
  dotenvx(file) {
    const options = { path: file, processEnv: { ...ENVIRON }, quiet: true, strict: false, logLevel: 'error' };
    const { parsed, error } = load('@dotenvx/dotenvx').config(options);
    if (error && !Object.keys(parsed || {}).length) throw error;
    return parsed;
  },
  next: (file) => inFolder(file, (folder) => load('@next/env').loadEnvConfig(folder, true, silent, true).parsedEnv || {}),
  async vite(file) {
    const { loadEnv } = await loadModule('vite/dist/node/index.js');
    const { VITE_USER_NODE_ENV, ...found } = changed(inFolder(file, (folder) => loadEnv('development', folder, '')));
    return found;
  },
  async 'env-cmd'(file) {
    return (await loadModule('env-cmd/dist/parse-env-file.js')).getEnvFileVars(file);
  },
  async c12(file) {
    const { loadDotenv } = await loadModule('c12/dist/index.mjs');
    const where = { cwd: path.dirname(file), fileName: path.basename(file) };
    return changed(await loadDotenv({ ...where, env: { ...ENVIRON }, interpolate: true }));
  },
};

// a package may have made stdout one that does not wait
const write = (answer) => {
  let rest = Buffer.from(JSON.stringify(answer) + '\n');
  while (rest.length) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
};
for (const name of ['log', 'error', 'warn', 'info']) console[name] = () => {};

(async () => {
  for (const file of fs.readFileSync(0, 'utf8').trim().split('\n')) {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, ENVIRON);
    let answer;
    try {
      answer = { vars: await PARSERS[parser](file) };
    } catch (error) {
      answer = { error: String((error && error.name) || error) };
    }
    write(answer);
  }
})();
