# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Path 1 is lost with a flush on its way. Whoever waits for it must not be told that it
# is done before one was, on the other path. That is a fix of its own, which needs no
# module (drivers/nvme/patches/*/fixes).

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a flush that is lost with its path is done on the other one"
# shellcheck disable=SC2034
VARIANTS="fixed:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

flushes_on() { trace_count " nvme_setup_cmd: $(path_ctrl "$1"): .*nvme_cmd_flush"; }

connect_with_cache() {
	target_start file
	proxy_start 1
	path_connect 1 keep_alive_tmo=20
	path_connect_direct 2 keep_alive_tmo=20
	DEVICE=$(head_device)
	path_io_timeout 1 3000
	trace_start
}

# lose_flush: call fsync() while path 1 swallows everything; its status
lose_flush() {
	proxy 1 hold
	proxy 1 refuse
	dd if=/dev/null of="$DEVICE" conv=notrunc,fsync
}

variant_fixed() {
	plan 3
	connect_with_cache
	check "fsync succeeds" lose_flush
	expect_eq "a flush was sent on path 1" 1 "$(flushes_on 1)"
	expect_eq "and, as it was lost, on path 2" 1 "$(flushes_on 2)"
}

variant_stock() {
	plan 3
	connect_with_cache
	check "fsync says that it succeeded" lose_flush
	expect_eq "a flush was sent on path 1" 1 "$(flushes_on 1)"
	expect_eq "but none on path 2" 0 "$(flushes_on 2)"
}
