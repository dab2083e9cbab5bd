# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# 64 controllers are lost at once, each with its queue full of writes. The other end
# closes their connections, so all of them wait for the quiesce time and are released
# together, through one path. Each record sends on what it held in the order in which it
# was held, nothing is lost, nothing is sent twice, and what all that took is given back.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="64 controllers are lost at once with full queues"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
PARAMETERS="mem=2560M ramdisk_size=262144"

CONTROLLERS=64
# The path that stays
LAST=65
# A queue of 1024 has room for 1022 I/O commands: one place stays empty, and one is kept
# for Connect.
DEPTH=1022
# 256 writers, each of whose blocks of 1 MiB is sent in pieces of 4 KiB
PIECES=65536

free_kb() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "MemFree:" { print $2 }' /proc/meminfo
}

bios() { awk '/^bio-/ { sum += $2 } END { print sum }' /proc/slabinfo; }

# An I/O scheduler, which only a device with a single queue has, would sort the writes.
# To take it away waits for all commands that are in flight.
no_scheduler() {
	local file
	for file in /sys/block/nvme*c*n*/queue/scheduler; do
		grep -q '\[none\]' "$file" || echo none >"$file"
	done
}

connect_all() {
	local number
	for number in $(seq $CONTROLLERS); do
		connect_to "$number" 127.0.0.11 \
			duplicate_connect,queue_size=1024,keep_alive_tmo=60
	done
	no_scheduler
	DEVICE=$(head_device)
	echo 4 >"/sys/block/${DEVICE#/dev/}/queue/max_sectors_kb"
	echo queue-depth >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
}

disconnect_all() {
	local number
	for number in $(seq $CONTROLLERS) $LAST; do
		path_disconnect "$number"
	done
}

# Writes that were sent and not answered
in_flight() { cat /sys/block/nvme*c*n*/inflight | awk '{ sum += $2 } END { print sum }'; }

# sum_of NAME: of a counter, over all controllers
sum_of() {
	cat /sys/class/nvme/nvme*/fence/counters |
		awk -v name="$1" '$1 == name { sum += $2 } END { print sum }'
}

# lose_all PARAMETER=VALUE: of the module; the last path is made when the queues of the others are full.
lose_all() {
	target_start
	# All memory that a ramdisk will ever take
	dd if=/dev/zero of=/dev/ram0 bs=1M 2>/dev/null
	proxy_start 1
	fence_load "$1" || bail "the module does not load"
	FREE_BEFORE=$(free_kb)
	BIOS_BEFORE=$(bios)
	connect_all
	writer_start --blocks 256 --writes 1 --block-size 1048576
	trace_start
	echo 65536 >"$TRACE/buffer_size_kb"
	proxy 1 hold
	proxy 1 refuse
	writer_go
	await 10 eval '[ "$(in_flight)" -ge $((CONTROLLERS * (DEPTH - 1))) ]'
	sleep 0.1
	SENT=$(trace_count "nvme_setup_cmd: .*nvme_cmd_write")
	expect_between "all queues are full" $((CONTROLLERS * (DEPTH - 1))) \
		$((CONTROLLERS * DEPTH)) "$SENT"
	diag "$SENT writes"
	connect_to $LAST 127.0.0.2 queue_size=1024
	no_scheduler
	DROPPED_NS=$(now_ns)
	proxy 1 drop
}

# Prints how many writes were held and sent on in their place in the order of their
# record; how many were sent on in another place; and how many were held, but not sent on.
judge_order() {
	awk -v last="$(path_ctrl $LAST):" '
		function number(name) {
			match($0, name "=[0-9]+")
			return substr($0, RSTART + length(name) + 1, RLENGTH - length(name) - 1)
		}
		/ nvme_fence_hold: / {
			sector = number("sector")
			record[sector] = number("record")
			place[sector] = ++held[record[sector]]
			missing++
			next
		}
		/ nvme_setup_cmd: .*nvme_cmd_write/ && index($0, " " last " ") {
			sector = number("slba")
			if (!(sector in record))
				next
			if (place[sector] == ++sent[record[sector]])
				in_order++
			else
				astray++
			missing--
		}
		END { print in_order + 0, astray + 0, missing + 0 }' "$TRACE/trace"
	# It is too large to be kept.
	echo >"$TRACE/trace"
}

# Held bytes alone were 255 MiB.
expect_memory_back() {
	disconnect_all
	check "the module can be unloaded" fence_unload
	rmdir "$TRACE"
	kill "$(head -n 1 "$HELPERS")"
	await 10 eval '! ghost ctl --control /run/path1 list'
	expect_between "the memory is back" -32768 32768 $((FREE_BEFORE - $(free_kb)))
	expect_between "and so are the bios" -1024 1024 $(($(bios) - BIOS_BEFORE))
}

# Before Linux 7.3, nvme_tcp_io_work() spins for a millisecond if somebody else sends on
# its queue; on a clock that stands still meanwhile that is forever, and here it happens.
queues_can_be_filled() {
	case "$(uname -r)" in
	7.2.*)
		plan 1
		skip "64 controllers are lost" "nvme-tcp of this kernel spins"
		return 1
		;;
	esac
}

variant_fence() {
	queues_can_be_filled || return 0
	plan 12
	lose_all evidence=time,notification
	check "all that was sent is held" await 5 eval '[ "$(sum_of held)" = "$SENT" ]'
	expect_eq "nothing is released yet" 0 "$(sum_of released)"
	writer_wait
	check "no write was lost" registers_verify
	expect_eq "everything was released" "$SENT" "$(sum_of released)"
	expect_eq "all records were released by time" $CONTROLLERS "$(sum_of time)"
	expect_between "when the quiesce time was over" \
		10000000000 $((10000000000 + STEP_NS)) $(($(release_ns) - DROPPED_NS))
	expect_eq "in order, once, and completely" "$SENT 0 0" "$(judge_order)"
	expect_memory_back
}

variant_control() {
	queues_can_be_filled || return 0
	plan 8
	lose_all hold=none
	writer_wait
	check "no write was lost" registers_verify
	expect_eq "nothing was held" 0 "$(sum_of held)"
	expect_between "the writes were released early" 0 5000000000 "$(report_ns writes max_ns)"
	expect_memory_back
}
