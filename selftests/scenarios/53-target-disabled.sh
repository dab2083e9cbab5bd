# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The kernel's target alone. Behind the back of the driver a controller is disabled, and
# enabled again: its I/O queues are of the instance before. Or it is enabled with values
# that are not supported. That fails, and is no reason to keep it when its host is silent.
# Or it is shut down, which is over when nothing executes any more.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="what becomes of a controller that was disabled or shut down"
# shellcheck disable=SC2034
VARIANTS="again:fence again_stock:stock failed:fence failed_stock:stock
	shutdown:fence shutdown_stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# Controller Configuration and Status
CC=0x14
CSTS=0x1c
# Bits of them: a page size, a normal shutdown, Controller Fatal Status, Shutdown Status
PAGES_OF_8K=0x80
SHUTDOWN=0x4000
FATAL=0x2
SHUTDOWN_STATUS=0xc
OCCURS=0x4
COMPLETE=0x8

property() {
	nvme get-property "/dev/$(path_ctrl 1)" --offset="$1" | sed 's/.*value: //'
}

set_property() { nvme set-property "/dev/$(path_ctrl 1)" --offset="$1" --value="$2" >/dev/null; }

status_is() { [ $(($(property $CSTS))) = $(($1)) ]; }

# disable: leaves what its configuration was in $ENABLED
disable() {
	target_start
	proxy_start 1
	path_connect 1 nr_io_queues=1,reconnect_delay=600
	ENABLED=$(property $CC)
	set_property $CC 0
	check "the controller is disabled" await 5 status_is 0
}

# read_path: how the target answers a read on path 1
read_path() {
	nvme read "/dev/$(path_ctrl 1)" --namespace-id=1 --start-block=0 --block-count=7 \
		--data-size=4096 --data=/tmp/data 2>&1 | sed 's/.*\((0x[0-9a-f]*)\|Success\).*/\1/'
}

# enable_again: its reads are refused while it is disabled
enable_again() {
	disable
	expect_eq "a read is out of order" "(0x400c)" "$(read_path)"
	set_property $CC "$ENABLED"
	check "the controller is enabled again" await 5 status_is 1
}

variant_again() {
	plan 5
	enable_again
	expect_eq "and has none of its old I/O queues" "(0x4002)" "$(read_path)"
	echo 1 >"/sys/class/nvme/$(path_ctrl 1)/reset_controller"
	expect_eq "when the host has connected again, it has" Success "$(read_path)"
}

variant_again_stock() {
	plan 4
	enable_again
	expect_eq "and its old I/O queues go on" Success "$(read_path)"
}

has_controller() { [ -e "/sys/kernel/debug/nvmet/$NQN/ctrl1" ]; }

# enable_in_vain: and say nothing any more
enable_in_vain() {
	disable
	set_property $CC $((ENABLED | PAGES_OF_8K))
	check "it can not be enabled like this" await 5 status_is $FATAL
	check "but is there" has_controller
	proxy 1 freeze
}

variant_failed() {
	plan 4
	enable_in_vain
	check "it goes when its keep alive timer has expired" await 11 eval '! has_controller'
	proxy 1 drop
}

variant_failed_stock() {
	plan 4
	enable_in_vain
	sleep 60
	check "it stays when its keep alive timer has expired" has_controller
	proxy 1 drop
}

# shut_down: with a write on its way to a device that is late
shut_down() {
	local namespace="$TARGET/subsystems/$NQN/namespaces/1"
	target_start
	echo 0 >"$namespace/enable"
	dmsetup create late --noudevsync --table "0 $(cat /sys/block/ram0/size) linear /dev/ram0 0" ||
		bail "no dm-linear"
	echo /dev/dm-0 >"$namespace/device_path"
	echo 1 >"$namespace/enable"
	path_connect_direct 1 nr_io_queues=1
	DEVICE=$(head_device)
	dmsetup suspend --noudevsync --nolockfs --noflush late
	trace_start nvmet:nvmet_req_init
	write_block "$DEVICE" 0 A &
	await 10 eval '[ "$(trace_count "nvmet_req_init: .*nvme_cmd_write")" -gt 0 ]' ||
		bail "no write is late"
	set_property $CC $(($(property $CC) | SHUTDOWN))
}

shutdown_is() { [ $(($(property $CSTS) & SHUTDOWN_STATUS)) = $(($1)) ]; }

variant_shutdown() {
	plan 2
	shut_down
	sleep 1
	check "it is not shut down while it has a write" shutdown_is $OCCURS
	dmsetup resume --noudevsync late
	check "it is when the write is done" await 5 shutdown_is $COMPLETE
}

variant_shutdown_stock() {
	plan 1
	shut_down
	check "it says that it is shut down while it has a write" shutdown_is $COMPLETE
	dmsetup resume --noudevsync late
}
