# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A volume is found by each of its names, loses both paths, and is found again. Whether it can
# be disconnected depends on what is held, and on who uses it.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the tool finds a volume, and tells whether it can be disconnected"
# shellcheck disable=SC2034
VARIANTS="fence:fence stock:stock"

UUID=6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a01
NGUID=00112233-4455-6677-8899-aabbccddeeff
SUBSYSTEM=/sys/class/nvme-subsystem/nvme-subsys0
IO_CONNECTION=2

name_volume() {
	local namespace=$TARGET/subsystems/$NQN/namespaces/1
	echo 0 >"$namespace/enable"
	echo $UUID >"$namespace/device_uuid"
	echo $NGUID >"$namespace/device_nguid"
	echo 1 >"$namespace/enable"
}

connect_path() {
	proxy_start "$1"
	path_connect "$1" nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	path_io_timeout "$1" 3000
}

# scene WAY: "none" on a stock kernel
scene() {
	target_start
	name_volume
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	both connect_path
	echo round-robin >$SUBSYSTEM/iopolicy
	DEVICE=$(head_device)
	trace_start
	await 5 path_2_carries_reads || bail "path 2 carries no reads"
}

# found_by NAME
found_by() { [ "$(nvme-fence find --device "$1")" = "$DEVICE" ]; }

find_by_all_names() {
	local name
	for name in "$NQN" $UUID uuid.$UUID $NGUID eui.$(echo $NGUID | tr -d -) \
		"$(cat $SUBSYSTEM/serial)" nvme-subsys0 "$(path_ctrl 2)" \
		"${DEVICE#/dev/}" "$DEVICE" "nvme0c${PATH1_CTRL#nvme}n1"; do
		check "it is found by '$name'" found_by "$name"
	done
	expect_eq "it is not found by a part of a name" 1 "$(status_of find "${NQN%?}")"
}

# status_of COMMAND...: the tool's exit status
status_of() {
	local status=0
	nvme-fence "$@" >>/out/nvme-fence.txt 2>&1 || status=$?
	echo $status
}

state_is() {
	nvme-fence find $UUID 2>/dev/null | grep -qE " $2 +$3 +$1\$"
}

# swallow CONNECTION PATH, wait_lost CONNECTION PATH
swallow() {
	proxy "$2" hold "$1"
	proxy "$2" refuse
}

wait_lost() { proxy "$2" wait host-closed "$1"; }

come_back() { proxy "$1" accept; }

deliver() { proxy "$1" deliver --wait $IO_CONNECTION; }

write_and_lose() {
	writer_start --blocks 8 --writes 3
	both swallow $IO_CONNECTION
	writer_go
	both wait_lost $IO_CONNECTION
	sleep 1
}

# without writes, and at once
break_off() {
	proxy "$1" refuse
	proxy "$1" drop
	wait_state "$(path_ctrl "$1")" connecting || bail "path $1 is not lost"
}

expect_no_path() {
	check "without a path, it has none" state_is no-path 2 0
	expect_eq "which the exit status says" 1 "$(status_of find $UUID)"
	nvme-fence find --device --wait 600 $UUID >/out/found 2>/out/notfound &
	FINDER=$!
}

find_again() {
	local status=0
	check "who waits for it goes on waiting" kill -0 "$FINDER"
	both come_back
	wait "$FINDER" || status=$?
	expect_eq "until it is back" "0 $DEVICE" "$status $(cat /out/found)"
}

held() { echo $(($(fence_attr 1 held) + $(fence_attr 2 held))); }
nothing_held() { [ "$(held)" = 0 ]; }

variant_fence() {
	plan 24
	scene time
	find_by_all_names
	check "it has two optimized paths" state_is usable 2 2
	expect_eq "nobody uses it" 0 "$(status_of can-disconnect "$NQN")"
	write_and_lose
	expect_no_path
	expect_eq "8 writes are held" 8 "$(held)"
	expect_eq "with them, it must not be disconnected" 4 "$(status_of can-disconnect "$NQN")"
	check "for that reason" eval 'nvme-fence can-disconnect $NQN | grep -q "^held $(path_ctrl 1): "'
	find_again
	both deliver
	writer_wait
	check "they are sent on" await 200 nothing_held
	expect_eq "without them, it can be" 0 "$(status_of can-disconnect "$NQN")"
}

variant_stock() {
	plan 23
	scene none
	find_by_all_names
	check "it has two optimized paths" state_is usable 2 2
	expect_eq "nobody uses it" 0 "$(status_of can-disconnect "$NQN")"
	both break_off
	expect_no_path
	find_again
	await 60 state_is usable 2 2 || bail "a path does not come back"
	/usr/sbin/mkfs.ext4 -q "$DEVICE" >/dev/null 2>&1 || bail "no file system"
	mkdir /run/volume
	mount -t ext4 "$DEVICE" /run/volume || bail "it is not mounted"
	expect_eq "while it is mounted, it must not be disconnected" 4 "$(status_of can-disconnect "$NQN")"
	expect_eq "one path can be" 0 "$(status_of can-disconnect "$(path_ctrl 1)")"
	path_disconnect 2
	await 10 state_is usable 1 1 || bail "path 2 is not removed"
	expect_eq "the last one must not" 4 "$(status_of can-disconnect "$(path_ctrl 1)")"
	check "for that reason" eval 'nvme-fence can-disconnect $(path_ctrl 1) | grep -q "^last-path "'
	umount /run/volume
	expect_eq "when it is unmounted, it can be" 0 "$(status_of can-disconnect "$(path_ctrl 1)")"
}
