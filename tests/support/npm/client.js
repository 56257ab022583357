// Drives in lock-step with npm's socket.io-client and prints what it saw as one line of JSON.
// usage: node client.js PACKAGE URL TRANSPORTS N_STEERS [SECONDS] < telemetry.json
// With SECONDS it sends about 30 telemetry a second and goes on until both are reached.
const fs = require('fs');

const [packageName, url, transports, count, seconds] = process.argv.slice(2);
const telemetry = JSON.parse(fs.readFileSync(0, 'utf8'));
const io = require(packageName);
const options = { reconnection: false, forceNew: true };
if (transports !== 'default') options.transports = transports.split(',');
const socket = io(url, options);
const end = Date.now() + 1000 * Number(seconds || 0);
const seen = { steers: 0, manuals: 0, errors: [], connects: 0, disconnects: 0, last: null, transport: null };

function finish(code) {
  seen.transport = socket.io.engine && socket.io.engine.transport.name;
  fs.writeSync(1, JSON.stringify(seen) + '\n');
  process.exit(code);
}

socket.on('connect', () => {
  seen.connects += 1;
  socket.emit('telemetry', null);
});
socket.on('disconnect', () => { seen.disconnects += 1; });
for (const event of ['error', 'connect_error', 'connect_timeout']) {
  socket.on(event, (error) => seen.errors.push(`${event}: ${error}`));
}
socket.on('manual', () => {
  seen.manuals += 1;
  socket.emit('telemetry', telemetry);
});
socket.on('steer', (control) => {
  seen.steers += 1;
  seen.last = control;
  if (seen.steers >= Number(count) && Date.now() >= end) finish(0);
  else if (seconds) setTimeout(() => socket.emit('telemetry', telemetry), 33);
  else socket.emit('telemetry', telemetry);
});
setTimeout(() => finish(1), 15000 + 1000 * Number(seconds || 0));
