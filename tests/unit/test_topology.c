// SPDX-License-Identifier: GPL-2.0-or-later
/* A recorded tree of proc and sys, and this machine's own. */
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "kernel/topology.h"

static char tree[] = "/tmp/behalf-topology-XXXXXX";

static int make_tree(void)
{
	if (!mkdtemp(tree))
		return -1;
	return open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void remove_tree(const int *root)
{
	_cleanup_free_ char *command = string_format("rm -rf '%s'", tree);

	close(*root);
	ok(system(command) == 0);
}

/* Writes a file, and makes the folders that it is in. */
static void put(int root, const char *path, const char *text)
{
	_cleanup_free_ char *copy = strdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdirat(root, copy, 0755);
		*slash = '/';
	}
	ok(file_create_at(root, path, text, 0644, NULL) == 0, "%s", path);
}

static void put_machine(int root)
{
	put(root, "sys/devices/system/cpu/online", "0-15\n");
	put(root, "proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n");
	put(root, "sys/devices/system/node/node10/cpulist", "8-15\n");
	put(root, "sys/devices/system/node/node10/meminfo", "Node 10 MemTotal:        8192 kB\n");
	put(root, "sys/devices/system/node/node2/cpulist", "0-7\n");
	put(root, "sys/devices/system/node/node2/meminfo", "Node 2 MemTotal:        4096 kB\n");
	put(root, "sys/devices/system/node/possible", "0-15\n");
	put(root, "sys/block/sda/dev", "8:0\n");
	put(root, "sys/block/sda/sda1/dev", "8:1\n");
	put(root, "sys/block/sda/sda1/partition", "1\n");
	put(root, "sys/block/sda/queue/rotational", "0\n");
	put(root, "sys/block/nvme0n1/dev", "259:0\n");
	put(root, "sys/block/nvme0n1/nvme0n1p1/dev", "259:1\n");
	put(root, "sys/block/nvme0n1/nvme0n1p1/partition", "1\n");
	put(root, "proc/net/route",
	    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	    "eth1\t00000000\t010200C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n"
	    "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
	    "eth2\t00000000\t010200C0\t0002\t0\t0\t1\t00000000\t0\t0\t0\n"
	    "eth3\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	put(root, "sys/class/net/eth0/speed", "25000\n");
	put(root, "sys/class/net/eth1/speed", "1000\n");
}

TEST(a_machine_with_two_nodes)
{
	_cleanup_(remove_tree) int root = make_tree();
	_cleanup_(topology_clear) struct topology t = {0};
	struct error err = {0};

	must(root >= 0);
	put_machine(root);
	must(topology_read(root, &t, &err) == 0, "%s", err.text);
	is_str(t.online, "0-15");
	is_uint(t.memory_bytes, 16 << 20);
	must(t.n_nodes == 2);
	is_uint(t.nodes[0].number, 2);
	is_str(t.nodes[0].cpus, "0-7");
	is_uint(t.nodes[0].memory_bytes, 4 << 20);
	is_uint(t.nodes[1].number, 10);
	must(t.n_disks == 4);
	is_str(t.disks[0].name, "nvme0n1");
	is_str(t.disks[1].name, "nvme0n1p1");
	is_str(t.disks[1].device, "259:1");
	is_str(t.disks[1].whole, "259:0");
	is_str(t.disks[2].whole, "8:0");
	is_str(t.disks[3].name, "sda1");
	is_str(t.uplink, "eth0");
	is_uint(t.uplink_bps, UINT64_C(25000000000));
}

TEST(what_is_not_there_is_left_out)
{
	_cleanup_(remove_tree) int root = make_tree();
	_cleanup_(topology_clear) struct topology t = {0};
	struct error err = {0};

	must(root >= 0);
	ok(topology_read(root, &t, &err) < 0);
	has_str(err.text, "sys/devices/system/cpu/online");
	put(root, "sys/devices/system/cpu/online", "0\n");
	put(root, "proc/meminfo", "MemFree: 1 kB\n");
	ok(topology_read(root, &t, &err) < 0);
	has_str(err.text, "MemTotal");
	ok(!t.online);
	unlinkat(root, "proc/meminfo", 0);
	put(root, "proc/meminfo", "MemTotal: 4 kB\n");
	must(topology_read(root, &t, &err) == 0, "%s", err.text);
	is_uint(t.n_nodes + t.n_disks, 0);
	is_str(t.uplink, "");
}

TEST(a_link_whose_driver_does_not_know)
{
	_cleanup_(remove_tree) int root = make_tree();
	_cleanup_(topology_clear) struct topology t = {0};

	must(root >= 0);
	put_machine(root);
	unlinkat(root, "sys/class/net/eth0/speed", 0);
	put(root, "sys/class/net/eth0/speed", "-1\n");
	must(topology_read(root, &t, NULL) == 0);
	is_str(t.uplink, "eth0");
	is_uint(t.uplink_bps, 0);
}

TEST(a_default_route_of_ipv6_alone)
{
	_cleanup_(remove_tree) int root = make_tree();
	_cleanup_(topology_clear) struct topology t = {0};

#define ZERO "00000000000000000000000000000000"
	must(root >= 0);
	put_machine(root);
	unlinkat(root, "proc/net/route", 0);
	put(root, "proc/net/ipv6_route",
	    "fe800000000000000000000000000000 40 " ZERO " 00 " ZERO
	    " 00000100 00000001 00000000 00000001 eth3\n" ZERO " 00 " ZERO " 00 " ZERO
	    " ffffffff 00000001 00000000 00200200 lo\n" ZERO " 00 " ZERO
	    " 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003 eth1\n" ZERO
	    " 00 " ZERO " 00 " ZERO " 00000001 00000001 00000000 00000201 eth2\n");
#undef ZERO
	must(topology_read(root, &t, NULL) == 0);
	is_str(t.uplink, "eth1");
	is_uint(t.uplink_bps, 1000000000);
}

/* A host whose own address is a bridge's, beside those of its containers. */
TEST(the_port_of_a_bridge_that_leads_outside)
{
	_cleanup_(remove_tree) int root = make_tree();

	must(root >= 0);
	put_machine(root);
	unlinkat(root, "proc/net/route", 0);
	put(root, "proc/net/route",
	    "Iface\tDestination\tGateway\nbr0\t00000000\t0100000A\t0003\t0\t0\t5\t00000000\n");
	put(root, "sys/class/net/br0/speed", "10000\n");
	put(root, "sys/class/net/br0/brif/eth0", "");
	put(root, "sys/class/net/br0/brif/veth7", "");
	put(root, "sys/class/net/eth0/device/vendor", "0x8086\n");
	put(root, "sys/class/net/veth7/speed", "10000\n");
	for (int i = 0; i < 2; i++) {
		_cleanup_(topology_clear) struct topology t = {0};

		must(topology_read(root, &t, NULL) == 0);
		is_str(t.uplink, i ? "br0" : "eth0");
		is_uint(t.uplink_bps, i ? UINT64_C(10000000000) : UINT64_C(25000000000));
		if (i)
			continue;
		/* with two of them it is not known which */
		put(root, "sys/class/net/br0/brif/bond0.7", "");
		put(root, "sys/class/net/bond0.7/lower_bond0", "");
	}
}

TEST(this_machine)
{
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(topology_clear) struct topology t = {0};
	struct error err = {0};

	must(topology_read(root, &t, &err) == 0, "%s", err.text);
	ok(t.memory_bytes > 1 << 20);
	note("CPUs %s, %zu nodes, %zu disks, uplink '%s'", t.online, t.n_nodes, t.n_disks,
	     t.uplink);
}
