// SPDX-License-Identifier: GPL-2.0-or-later
// One call of the container runtime interface. Usage: node client.js SOCKET METHOD [REQUEST], where REQUEST
// is JSON with the interface's names; prints the answer as JSON. A call that fails prints what the server
// said, and exits with 1. The packages it needs are found through NODE_PATH.
"use strict";

const path = require("path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const timeout_ms = 30000;
const [socket, method, request] = process.argv.slice(2);

const definition = loader.loadSync(path.join(__dirname, "runtime.proto"), {
	keepCase: true,
	longs: String,
	enums: String,
	defaults: true,
});
const { RuntimeService, ImageService } = grpc.loadPackageDefinition(definition).runtime.v1;
const Service = [RuntimeService, ImageService].find((s) => s !== undefined && method in s.service);
if (!Service) {
	console.error(`there is no method '${method}'`);
	process.exit(2);
}

const client = new Service(`unix://${socket}`, grpc.credentials.createInsecure());
client[method](JSON.parse(request || "{}"), { deadline: Date.now() + timeout_ms }, (error, answer) => {
	client.close();
	if (error) {
		console.error(error.details || error.message);
		process.exitCode = 1;
		return;
	}
	// bytes are what a command wrote
	console.log(JSON.stringify(answer, (key, value) =>
		value && value.type === "Buffer" ? Buffer.from(value.data).toString() : value));
});
