/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "runtime/launch.h"

/*
 * Makes the device nodes and symlinks of /dev that every container has (config-linux.md, "Default
 * Devices", "Dev symbolic links") and those of linux.devices. With a /dev that the configuration binds
 * from outside only linux.devices are made.
 */
int devices_make(struct launch *l, struct error *err);
