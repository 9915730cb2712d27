// SPDX-License-Identifier: GPL-2.0-or-later
// A gate to the container runtime interface for shell scripts: HTTP on a local socket in front of gRPC on
// another. Usage: node client.js SOCKET-OF-THE-RUNTIME SOCKET-TO-LISTEN-ON. Then a POST to /METHOD with the
// request as JSON, in the interface's names, is answered by the answer as JSON; a call that fails, with
// status 500 by what the runtime said. The packages it needs are found through NODE_PATH. It is one process
// for all calls, because to start one takes much longer than a call.
"use strict";

const http = require("http");
const path = require("path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const timeout_ms = 30000;
const [runtime_socket, own_socket] = process.argv.slice(2);

const definition = loader.loadSync(path.join(__dirname, "runtime.proto"), {
	keepCase: true,
	longs: String,
	enums: String,
	defaults: true,
});
const { RuntimeService, ImageService } = grpc.loadPackageDefinition(definition).runtime.v1;

function call(method, request, done) {
	const Service = [RuntimeService, ImageService].find((service) => method in service.service);
	if (!Service)
		return done(new Error(`there is no method '${method}'`));
	// a connection for each call: the runtime may have been started again
	const client = new Service(`unix://${runtime_socket}`, grpc.credentials.createInsecure(),
		{ "grpc.use_local_subchannel_pool": 1 });
	client[method](request, { deadline: Date.now() + timeout_ms }, (error, answer) => {
		client.close();
		done(error, answer);
	});
}

// Bytes are what a command wrote.
function to_json(answer) {
	return JSON.stringify(answer, (key, value) =>
		value && value.type === "Buffer" ? Buffer.from(value.data).toString() : value);
}

http.createServer((incoming, outgoing) => {
	const parts = [];
	incoming.on("data", (part) => parts.push(part));
	incoming.on("end", () => {
		const answer_with = (error, answer) => {
			outgoing.statusCode = error ? 500 : 200;
			outgoing.end((error ? error.details || error.message : to_json(answer)) + "\n");
		};
		try {
			call(incoming.url.slice(1), JSON.parse(Buffer.concat(parts).toString()), answer_with);
		} catch (error) {
			answer_with(error);
		}
	});
}).listen(own_socket);
