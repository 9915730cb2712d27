// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Switches an offload of a network device, as ethtool -K does:
 *
 *	device_offload DEVICE gro|tso on|off
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct ethtool_value value = {0};
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc != 4 || fd < 0) {
		fprintf(stderr, "usage: device_offload DEVICE gro|tso on|off\n");
		return EXIT_FAILURE;
	}
	value.cmd = strcmp(argv[2], "gro") == 0 ? ETHTOOL_SGRO : ETHTOOL_STSO;
	value.data = strcmp(argv[3], "on") == 0;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[1]);
	request.ifr_data = (void *)&value;
	if (ioctl(fd, SIOCETHTOOL, &request) < 0) {
		fprintf(stderr, "device_offload: %s: %s\n", argv[1], strerror(errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
