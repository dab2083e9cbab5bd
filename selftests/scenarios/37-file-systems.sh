# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A file system on both paths, with load: registers in a file that is written in place,
# and files that replace each other, whose blocks are used again. Path 1 flaps ten times,
# and each time executes late what it was sent. Then the file system is checked, and what
# is in the files.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="file systems stay whole through ten flaps with load"
# shellcheck disable=SC2034
VARIANTS="ext4:fence ext4_overlap:fence ext4_control:fence xfs:fence xfs_overlap:fence xfs_control:fence btrfs:fence btrfs_overlap:fence btrfs_control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"
# shellcheck disable=SC2034
TIMEOUT=1800

# mkfs.xfs makes none that is smaller.
MEGABYTES=320
FILES=10
OVER=/run/over SUMS=/tmp/sums
REGISTERS=/mnt/registers

over() { [ -e "$OVER" ]; }

# --- Load ---------------------------------------------------------------------

# flaps: how many; on a machine whose time is the wall's fewer will do.
flaps() {
	if [ "$MACHINE_SLACK_MS" = 0 ]; then
		parameter lab.rounds 10
	else
		parameter lab.rounds 3
	fi
}

# Written in place, read and verified, again and again. Status 1 is a ghost write.
write_registers() {
	until over; do
		ghost write run --force --device $REGISTERS --blocks 8 --writes 20 --interval-ms 100 \
			--readers --read-interval-ms 500 --report "$REPORT" || return
	done
}

# The name says which file it is, $SUMS has what is in it.
write_files() {
	local number=0 name
	until over; do
		number=$((number + 1))
		name=$((number % FILES))
		head -c $((1 + number * 7919 % 100000)) /dev/urandom >/tmp/new
		sha256sum </tmp/new >"$SUMS/$name"
		cp /tmp/new /mnt/files/new && /usr/bin/sync /mnt/files/new &&
			mv /mnt/files/new "/mnt/files/$name" || return
		sleep 0.1
	done
}

# Prints the files whose content is not what was written.
wrong_files() {
	local sum name
	for sum in "$SUMS"/*; do
		name=${sum##*/}
		sha256sum <"/mnt/files/$name" | cmp -s - "$sum" || echo "$name"
	done
}

# Not where computing takes no time: if its I/O is held, fio asks for it again and again
# without sleeping, and that machine stops there.
fio_loads() {
	[ "$(parameter lab.host fabrics)" = cli ] || return 0
	until over; do
		fio --name=load --directory=/mnt --size=1m --rw=randwrite --bsrange=4k-64k \
			--ioengine=libaio --iodepth=4 --direct=1 --fsync=16 --thread \
			--verify=crc32c --verify_fatal=1 --minimal || return
		sleep 1
	done
}

load_start() {
	mkdir /mnt/files $SUMS
	dd if=/dev/zero of=$REGISTERS bs=1M count=1 conv=fsync 2>/dev/null
	write_registers >>/out/writer.txt 2>&1 &
	REGISTER_WRITER=$!
	write_files >>/out/writer.txt 2>&1 &
	FILE_WRITER=$!
	fio_loads >>/out/fio.txt 2>&1 &
	FIO=$!
}

# load_end: prints how each of the three ended.
load_end() {
	local pid status
	: >"$OVER"
	for pid in $REGISTER_WRITER $FILE_WRITER $FIO; do
		status=0
		wait "$pid" || status=$?
		echo $status
	done
}

# --- File systems -------------------------------------------------------------

# All of it now: what the kernel writes later in the background would be held, too.
make_ext4() { /usr/sbin/mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$DEVICE"; }
check_ext4() { /usr/sbin/e2fsck -fn "$DEVICE"; }

make_xfs() { /usr/sbin/mkfs.xfs -q "$DEVICE"; }
check_xfs() { /usr/sbin/xfs_repair -n "$DEVICE"; }

make_btrfs() { /usr/sbin/mkfs.btrfs -q "$DEVICE"; }
check_btrfs() { /usr/bin/btrfs check --readonly "$DEVICE"; }

# mount_type TYPE. Copying on write, btrfs would write a register elsewhere each time, and what is
# executed late would hit nothing.
mount_type() {
	case "$1" in
	btrfs) mount -t "$1" -o nodatacow "$DEVICE" /mnt ;;
	*) mount -t "$1" "$DEVICE" /mnt ;;
	esac
}

# mounted_scene WAY TYPE: both paths carry a file system.
mounted_scene() {
	target_start file $MEGABYTES
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 keep_alive_tmo=10,reconnect_delay=1
	path_connect_direct 2 keep_alive_tmo=10
	path_io_timeout 1 3000
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	DEVICE=$(head_device)
	"make_$2" >>/out/mkfs.txt 2>&1 || bail "mkfs.$2 fails"
	mkdir /mnt
	mount_type "$2" || bail "$2 can not be mounted"
}

# flap: path 1 swallows what it is sent, is lost, executes it late, and comes back. The
# load goes on when what was held is released.
flap() {
	proxy 1 hold
	proxy 1 refuse
	proxy 1 wait host-closed all
	sleep 0.5
	proxy 1 deliver >>/out/flaps.txt
	proxy 1 accept
	wait_state "$(path_ctrl 1)" live 30 || bail "path 1 does not come back"
	until [ "$(fence_attr 1 held)" = 0 ]; do
		sleep 1
	done
	sleep 2
}

# What was held in a flap is released by time, and counted, once.
flaps_are_enough() { [ "$(fence_counter 1 time)" -ge "$(flaps)" ]; }

nothing_is_tracked() { [ "$(fence_attr 1 tracked)" = 0 ]; }

# through_flaps TYPE WAY
through_flaps() {
	local number
	mounted_scene "$2" "$1"
	load_start
	sleep 2
	# A path may be lost while nothing is written to it. Such a flap tests nothing, nor counts.
	for number in $(seq $((2 * $(flaps)))); do
		flap
		! flaps_are_enough || break
	done
	load_end >/run/load
	expect_eq "no register was wrong, and no file could not be written" "0 0 0" \
		"$(paste -s -d ' ' /run/load)"
	check "the file system is unmounted" umount /mnt
	# What was not held is waited for now.
	await 120 nothing_is_tracked || bail "something is still tracked"
	check "writes were held or tracked in $(flaps) flaps" flaps_are_enough
	check "the file system is clean" "check_$1"
	mount_type "$1"
	check "the registers hold what was acknowledged" eval 'DEVICE=$REGISTERS; registers_verify'
	expect_eq "all files are there" "$(ls $SUMS)" "$(ls /mnt/files)"
	expect_eq "in them is what was written" "" "$(wrong_files)"
	umount /mnt
	expect_eq "nothing is held any more" 0 "$(fence_attr 1 held)"
}

# without_fence TYPE: one flap, with the registers alone; it would destroy the file system
# as well, and the kernel complain.
without_fence() {
	mounted_scene off "$1"
	dd if=/dev/zero of=$REGISTERS bs=1M count=1 conv=fsync 2>/dev/null
	DEVICE=$REGISTERS
	writer_start --force --blocks 4 --writes 4
	lose_path_1
	sleep 2
	proxy 1 deliver --wait
	writer_wait
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	check "the file holds old data" eval '! registers_verify'
}

variant_ext4() {
	plan 8
	through_flaps ext4 time
}

# What is cancelled goes on at once, so a flap may come when the one before is not fenced.
variant_ext4_overlap() {
	plan 8
	through_flaps ext4 overlap
}

variant_ext4_control() {
	plan 3
	without_fence ext4
}

variant_xfs() {
	plan 8
	through_flaps xfs time
}

variant_xfs_overlap() {
	plan 8
	through_flaps xfs overlap
}

variant_xfs_control() {
	plan 3
	without_fence xfs
}

variant_btrfs() {
	plan 8
	through_flaps btrfs time
}

variant_btrfs_overlap() {
	plan 8
	through_flaps btrfs overlap
}

variant_btrfs_control() {
	plan 3
	without_fence btrfs
}
