# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The register writer overwrites a device without a look at what is on it. So it must
# find out who uses the device, and leave it alone then.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="ghost write leaves a device alone that somebody uses"
# shellcheck disable=SC2034
VARIANTS="mounted:stock part:stock swap:stock writer:stock control:stock"

connected() {
	target_start
	path_connect_direct 1
	DEVICE=$(head_device)
}

mounted_at() {
	connected
	mkfs.ext4 -q "$DEVICE" || bail "mkfs.ext4 fails"
	mkdir -p "$1"
	mount -t ext4 "$DEVICE" "$1" || bail "ext4 can not be mounted"
	echo precious >"$1/file"
	/usr/bin/sync
}

# run_writer OPTION...: its errors are in /tmp/error
run_writer() { ghost write run --device "$DEVICE" "$@" >>/out/writer.txt 2>/tmp/error; }

# expect_refused: the writer says why, and writes nothing
expect_refused() {
	local before after status=0
	before=$(sha256sum <"$DEVICE")
	run_writer --blocks 8 || status=$?
	expect_eq "it is refused" 2 "$status"
	expect_eq "with the reason" \
		"ghost: cannot open $DEVICE: it is mounted or in use; with --force it is overwritten" \
		"$(cat /tmp/error)"
	after=$(sha256sum <"$DEVICE")
	expect_eq "the device is as it was" "$before" "$after"
}

# is_whole: as it looks to who mounts it anew
is_whole() {
	umount /tmp/mount
	e2fsck -fn "$DEVICE" >>/out/fsck.txt 2>&1
}

variant_mounted() {
	plan 4
	mounted_at /tmp/mount
	expect_refused
	check "the file system is whole" is_whole
}

# The same, and somebody has insisted.
variant_control() {
	plan 2
	mounted_at /tmp/mount
	check "by force it is overwritten" run_writer --force
	check "and the file system is gone" eval '! is_whole'
}

# Another device is made of it, a volume for instance.
variant_part() {
	plan 3
	connected
	dmsetup create volume --noudevsync \
		--table "0 $(cat /sys/block/"${DEVICE#/dev/}"/size) linear $DEVICE 0" ||
		bail "no volume"
	expect_refused
	dmsetup remove --noudevsync volume
}

variant_swap() {
	plan 3
	connected
	mkswap "$DEVICE" >/dev/null
	swapon "$DEVICE" || bail "no swap"
	expect_refused
	swapoff "$DEVICE"
}

# Two writers of the same blocks would find each other's. Who says that they are others may.
variant_writer() {
	plan 6
	connected
	writer_start --blocks 4
	expect_refused
	check "by force there is a second one" run_writer --force --blocks 4 --offset 65536
	writer_go
	writer_wait
	check "the first one holds what was acknowledged" registers_verify
}
