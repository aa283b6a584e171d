// Stock Socket.IO clients that a Python test drives: a JSON command on each line of standard input, and on standard
// output a line for each answer and for whatever happens to a client. See tests/stock_clients.py.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const clients = new Map();

const say = (line) =>
  console.log(JSON.stringify(line, (_key, value) => (value?.type === "Buffer" ? { $base64: Buffer.from(value.data).toString("base64") } : value)));
const read = (text) => JSON.parse(text, (_key, value) => (value?.$base64 === undefined ? value : Buffer.from(value.$base64, "base64")));

function state({ socket, asked }) {
  const { connected, active, recovered, id } = socket;
  return { connected, active, recovered: recovered === true, id, asked, transport: socket.io.engine?.transport?.name };
}

function open({ client, url, auth, options }) {
  // The auth is a function, as a page has it whose token changes: a client that comes back by itself calls it again.
  const made = { auth, asked: 0, socket: io(url, { forceNew: true, autoConnect: false, ...options, auth: (give) => { made.asked += 1; give(made.auth); } }) };
  clients.set(client, made);
  const { socket } = made;
  const happens = (on, more) => say({ client, on, ...more });
  socket.io.on("open", () => {
    const { engine } = socket.io; // another one each time
    happens("open", { transport: engine.transport.name });
    engine.on("upgrade", (transport) => happens("upgrade", { transport: transport.name }));
  });
  socket.on("connect", () => happens("connect", state(made)));
  socket.on("disconnect", (reason) => happens("disconnect", { reason, active: socket.active }));
  socket.on("connect_error", ({ message, data }) => happens("connect_error", { message, data, active: socket.active }));
  socket.onAny((name, ...args) => happens("event", { name, args }));
  socket.connect();
}

const commands = {
  open,
  auth: (made, { auth }) => void (made.auth = auth),
  state,
  emit: ({ socket }, { args }) => void socket.emit(...args),
  request: ({ socket }, { args }) => socket.emitWithAck(...args),
  connect: ({ socket }) => void socket.connect(),
  disconnect: ({ socket }) => void socket.disconnect(),
  // As a network that fails does it: without a goodbye.
  cut: ({ socket }) => void (socket.io.engine.transport.ws ? socket.io.engine.transport.ws.terminate() : socket.io.engine.close()),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = read(line);
  Promise.resolve()
    .then(() => (command.do === "open" ? open(command) : commands[command.do](clients.get(command.client), command)))
    .then((answer) => say({ number: command.number, answer: answer ?? null }))
    .catch((error) => say({ number: command.number, error: String(error.message ?? error) }));
}
process.exit();
