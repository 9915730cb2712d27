// SPDX-License-Identifier: GPL-2.0-or-later
// Holds documents on standard input to the schemas of Kubernetes' own OpenAPI description, and to what
// its API server asks beyond them (apimachinery pkg/util/validation). Prints a line for each document.
'use strict';
const fs = require('fs');
const yaml = require('js-yaml');
const { RuntimeClass } = require('kubernetes-models/node.k8s.io/v1');

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const quantity = /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;

function must(condition, what) {
	if (!condition)
		throw new Error(what);
}

// A key that the schema does not have is an error of kubectl, and none of JSON Schema.
function onlyKeys(object, known, where) {
	for (const key of Object.keys(object))
		must(known.includes(key), `${where}: ${key} is not known`);
}

function checkQuantities(list, where) {
	for (const [name, value] of Object.entries(list)) {
		must(['cpu', 'memory'].includes(name), `${where}: ${name} is no resource`);
		must(typeof value === 'string' && quantity.test(value), `${where}.${name}: ${value} is no quantity`);
	}
}

function checkRuntimeClass(document) {
	new RuntimeClass(document).validate();
	onlyKeys(document, ['apiVersion', 'kind', 'metadata', 'handler', 'overhead', 'scheduling'], 'RuntimeClass');
	onlyKeys(document.metadata, ['name', 'annotations'], 'metadata');
	must(document.metadata.name.length <= 253 && subdomain.test(document.metadata.name), 'name');
	must(subdomain.test(document.handler), 'handler');
	for (const key of Object.keys(document.metadata.annotations || {}))
		must(key.length <= 63 && qualifiedName.test(key), `annotation ${key}`);
	if (document.overhead) {
		onlyKeys(document.overhead, ['podFixed'], 'overhead');
		checkQuantities(document.overhead.podFixed, 'overhead.podFixed');
	}
	return `RuntimeClass ${document.metadata.name} ${document.overhead ? document.overhead.podFixed.cpu : '-'}`;
}

// No OpenAPI description has it: the Go types do, of which TYPES is the file.
function checkKubelet(document, types) {
	must(document.apiVersion === 'kubelet.config.k8s.io/v1beta1', 'apiVersion');
	const struct = types.match(/^type KubeletConfiguration struct \{$(.*?)^\}$/ms)[1];
	for (const key of Object.keys(document).filter((name) => !['apiVersion', 'kind'].includes(name))) {
		const field = struct.match(new RegExp(`^\\s*\\w+ (\\S+) \`json:"${key}[,"]`, 'm'));
		must(field, `KubeletConfiguration: ${key} is not known`);
		must(field[1] === 'map[string]string', `${key} is a ${field[1]}`);
		checkQuantities(document[key], key);
	}
	return `KubeletConfiguration ${Object.keys(document).join(' ')}`;
}

try {
	for (const document of yaml.loadAll(fs.readFileSync(0, 'utf8'))) {
		if (document.kind === 'KubeletConfiguration')
			console.log(checkKubelet(document, fs.readFileSync(process.argv[2], 'utf8')));
		else
			console.log(checkRuntimeClass(document));
	}
} catch (error) {
	console.error(error.message);
	process.exit(1);
}
