// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.netDevices (config-linux.md, "Network Devices"). */
#include <string.h>

#include "base/json.h"
#include "oci/parse.h"

/* IFNAMSIZ of linux/if.h with the NUL */
#define INTERFACE_NAME_MAX 15

/* dev_valid_name() of net/core/dev.c. */
static bool is_interface_name(const char *name)
{
	return *name && strlen(name) <= INTERFACE_NAME_MAX && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && !strpbrk(name, "/: \t\n\v\f\r");
}

static int read_name(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *name;
	int ret = oci_read_string_or_null(r, at, &name);

	if (ret < 0)
		return ret;
	if (name && !is_interface_name(name))
		return oci_fail(r, at, "'%s' can be no interface's name", oci_quote(name).text);
	*(const char **)into = name;
	return 0;
}

static int read_device(const struct oci_reader *r, const struct oci_node *at,
		       struct oci_net_device *device)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("name", read_name, oci_net_device, name),
		{0},
	};
	int ret = oci_read_object(r, at, fields, device);

	if (ret < 0)
		return ret;
	if (!is_interface_name(at->key))
		return oci_fail(r, at, "can be no interface's name");
	device->host_name = at->key;
	if (!device->name)
		device->name = at->key;
	return 0;
}

int oci_read_net_devices(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field none[] = {{0}};
	struct oci_config *config = into;
	struct oci_net_device *devices;
	size_t n = 0;
	int ret = oci_read_object(r, at, none, NULL);

	if (ret < 0)
		return ret;
	devices = oci_config_allocate(config, (size_t)json_object_object_length(at->value) + 1,
				      sizeof(*devices));
	if (!devices)
		return error_oom(r->err);
	json_object_object_foreach(at->value, key, value) {
		const struct oci_node member = {.parent = at, .key = key, .value = value};

		ret = read_device(r, &member, &devices[n]);
		if (ret < 0)
			return ret;
		for (size_t i = 0; i < n; i++)
			if (strcmp(devices[i].name, devices[n].name) == 0)
				return oci_fail(r, &member, "'%s' is the name of another one, too",
						devices[n].name);
		n++;
	}
	config->net_devices = devices;
	config->n_net_devices = n;
	return 0;
}
