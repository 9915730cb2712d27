/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A ledger for as long as a calibration takes. */
#include <stdbool.h>

#include "base/error.h"

/*
 * If no ledger is on, switches one on in a mount namespace of the calling process, which it enters, with a BPF
 * file system of its own: nobody else sees it, and it ends with the process, however that ends. One that
 * is on already is used. *OWN tells which; private_ledger_close takes it.
 */
int private_ledger_open(bool *own, struct error *err);
void private_ledger_close(bool own);
