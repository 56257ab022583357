"use strict";
/* A page's end of a live channel (simulator_bridge/pages/live_channel.py): the newest state and its pictures come in, commands
   go out. It connects again by itself. Uses nothing but the browser. */

class LiveConnection {
  /* path: of the channel, such as "/cockpit/live".
     onUpdate(state, pictures, viewer): draws an update; pictures are Blobs by name. It may return a promise: the next
       update but one comes when it is done. It must not wait for an animation frame, which a hidden page never gets.
     onNotice(text, kind): a line for the person, kind "info" or "error".
     onStatus(isConnected): the connection has come or gone. */
  constructor(path, { onUpdate, onNotice = () => {}, onStatus = () => {} }) {
    const token = new URLSearchParams(location.search).get("token");
    const query = token === null ? "" : "?" + new URLSearchParams({ token });
    this.url = "ws://" + location.host + path + query;
    this.handlers = { onUpdate, onNotice, onStatus };
    this.retryMs = 250;
    this.isClosed = false;
    this.drawing = Promise.resolve();
    this.open();
  }

  get isConnected() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /* Sends a command; false if there is no connection: a command that waited would be out of date. */
  send(message) {
    if (!this.isConnected) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  close() {
    this.isClosed = true;
    this.socket.close();
  }

  open() {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      this.retryMs = 250;
      this.handlers.onStatus(true);
    });
    socket.addEventListener("message", (event) => {
      this.drawing = this.drawing.then(() => this.take(socket, event.data)).catch((error) => console.error(error));
    });
    socket.addEventListener("close", () => {
      this.handlers.onStatus(false);
      if (this.isClosed) return;
      setTimeout(() => this.open(), this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, 3000);
    });
  }

  async take(socket, buffer) {
    const headSize = new DataView(buffer).getUint32(0);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, headSize)));
    const pictures = {};
    let at = 4 + headSize;
    for (const [name, size] of head.pictures) {
      pictures[name] = new Blob([new Uint8Array(buffer, at, size)]);
      at += size;
    }
    try {
      for (const notice of head.notices) this.handlers.onNotice(notice.text, notice.kind);
      if (socket.readyState !== WebSocket.OPEN) return; // what waited to be drawn when the connection went is out of date
      await this.handlers.onUpdate(head.state, pictures, head.viewer);
    } finally {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ seen: head.number }));
    }
  }
}
