// Node's socket.io, WebSocket transport only, doing the same work: `node --expose-gc socketio.mjs`.
// Tokens are verified as at our join (HS256), and each socket is in its user's and its session's room.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { Server } from "socket.io";

const ROOM = "class:bench";

function verify(token) {
  const [head, body, signature] = String(token).split(".");
  const wanted = createHmac("sha256", process.env.JWT_SECRET).update(`${head}.${body}`).digest();
  const given = Buffer.from(signature ?? "", "base64url");
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new Error("unauthenticated");
  const claims = JSON.parse(Buffer.from(body, "base64url"));
  if (claims.exp * 1000 < Date.now()) throw new Error("expired");
  return claims;
}

const isText = (value, most) => typeof value === "string" && value.length <= most;

// What the pydantic models of bench/work.py check.
const isAnswer = (data) =>
  typeof data === "object" && data !== null && isText(data.questionId, 64) && typeof data.correct === "boolean" &&
  Number.isFinite(data.timeSpent) && data.timeSpent >= 0 && isText(data.skill, 64) && isText(data.answer, 8);
const isSay = (data) =>
  typeof data === "object" && data !== null && isText(data.from, 64) && isText(data.kind, 16) && isText(data.text, 256);

const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false, perMessageDeflate: false });

if (process.env.REDIS_URL) {
  const { createAdapter } = await import("@socket.io/redis-adapter");
  const { createClient } = await import("redis");
  const pub = createClient({ url: process.env.REDIS_URL });
  const sub = pub.duplicate();
  await Promise.all([pub.connect(), sub.connect()]);
  io.adapter(createAdapter(pub, sub));
}

io.use((socket, next) => {
  try {
    socket.data.user = verify(socket.handshake.auth.token).sub;
    next();
  } catch (error) {
    next(error);
  }
});

io.on("connection", (socket) => {
  socket.join([`user:${socket.data.user}`, `session:${socket.data.user}`]);
  socket.on("bench:enter", (data, ack) => {
    socket.join(ROOM);
    ack(null);
  });
  socket.on("bench:answer", (data, ack) => {
    if (!isAnswer(data)) return ack({ code: "invalid_payload" });
    ack({ correct: data.correct });
  });
  socket.on("bench:tell", (data, ack) => {
    if (!isSay(data)) return ack({ code: "invalid_payload" });
    io.to(`session:${socket.data.user}`).emit("bench:said", data);
    ack(null);
  });
  socket.on("bench:say", (data, ack) => {
    if (!isSay(data)) return ack({ code: "invalid_payload" });
    io.to(ROOM).emit("bench:said", data);
    ack(null);
  });
});

process.on("SIGUSR2", () => globalThis.gc());
http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => console.log(http.address().port));
