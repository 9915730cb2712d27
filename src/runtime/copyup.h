/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"

/*
 * Copies what directory FROM (O_PATH is enough) holds into directory TO, which is empty: files,
 * directories, symlinks with owners and modes, without following symlinks. For mounts with the option
 * tmpcopyup, where a fresh tmpfs begins with what the image has at its place.
 */
int copyup_tree(int from, int to, struct error *err);
