/* SPDX-License-Identifier: GPL-2.0 */
/* What bindgen makes Rust declarations from, see Kbuild. */
#include "glue.h"
