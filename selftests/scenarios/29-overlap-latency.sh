# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# How long do writes take that go all over a device, when a path is lost with some of them?
# With hold=overlap as long as without the module: that two of them touch the same block
# within the wait is improbable.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="how long random writes take when a path is lost"
# shellcheck disable=SC2034
VARIANTS="overlap:fence all:fence none:fence"

WRITERS=8
# Of the machine's RAM disk
BLOCKS=16384
SECONDS_BEFORE=5 SECONDS_AFTER=10

# random_writes N: until path 1 has been lost for long. Prints how many milliseconds each
# write has taken. Which blocks, N says.
random_writes() {
	local number="$1" begun
	until [ -e /run/over ]; do
		number=$(((number * 1103515245 + 12345) % 2147483648))
		begun=$(now_ms)
		write_block "$DEVICE" $((number / 8 % BLOCKS)) R || echo failed
		echo $(($(now_ms) - begun))
		sleep 0.5
	done
}

# latencies WAY: sets COUNT, MEDIAN, P99 and MAX, of all writes, in milliseconds
latencies() {
	local writer writers=''
	scene_set "$1" keep_alive_tmo=20,nr_io_queues=1
	path_io_timeout 1 3000
	for writer in $(seq $WRITERS); do
		random_writes "$writer" >"/tmp/ms.$writer" &
		writers="$writers $!"
	done
	sleep $SECONDS_BEFORE
	proxy 1 hold
	proxy 1 refuse
	proxy 1 wait host-closed all
	sleep $SECONDS_AFTER
	proxy 1 deliver --wait
	: >/run/over
	# shellcheck disable=SC2086 # a list of process ids
	wait $writers
	sort -n /tmp/ms.* >/out/ms.txt
	COUNT=$(wc -l </out/ms.txt)
	MEDIAN=$(sed -n "$((COUNT / 2))p" /out/ms.txt)
	P99=$(sed -n "$((COUNT * 99 / 100))p" /out/ms.txt)
	MAX=$(tail -n 1 /out/ms.txt)
	diag "$COUNT writes: median $MEDIAN ms, p99 $P99 ms, max $MAX ms"
	expect_eq "no write has failed" 0 "$(grep -c failed /out/ms.txt)"
}

# A timeout of 3 s, found out at the next full second, and the teardown.
FAILOVER_MS=5000

variant_overlap() {
	plan 4
	latencies overlap
	expect_between "no write takes longer than a failover" 3000 $FAILOVER_MS "$MAX"
	check "some went on at once" [ "$(fence_counter 1 repeated)" -gt 0 ]
	expect_eq "none waited" "0 0" "$(fence_counter 1 held) $(fence_counter 1 waited)"
}

variant_all() {
	plan 2
	latencies time
	expect_between "those that were held have waited" 60000 80000 "$MAX"
}

variant_none() {
	plan 2
	latencies off
	expect_between "no write takes longer than a failover" 3000 $FAILOVER_MS "$MAX"
}
