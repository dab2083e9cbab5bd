# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# There is no memory when the module needs some: each allocation is made to fail, one at a
# time. Then a path is refused or fenced, or the log says that it is not. When a path is lost,
# the module allocates nothing. (What nvme-core allocates is not seen here.)

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="without memory, nothing is let go without a word"
# shellcheck disable=SC2034
VARIANTS="load:fence load_control:fence connect:fence loss:fence loss_control:fence"
# Only this machine's kernel has the fault injection.
# shellcheck disable=SC2034
MACHINES="uml"
# Only the module holds, so what it does not know of goes.
# shellcheck disable=SC2034 # read by tools/lab/machine
PARAMETERS_load="nvme_core.fence=0" PARAMETERS_load_control="nvme_core.fence=0"

FAILSLAB=/sys/kernel/debug/failslab
FAILURES=1000000

# Only what is called by the module counts: no other is loaded, and it is above the kernel.
choose_allocations_of_module() {
	[ -d $FAILSLAB ] || bail "no fault injection"
	echo "0x$(awk '$3 == "_etext" { print $1 }' /proc/kallsyms)" >$FAILSLAB/require-start
	echo N >$FAILSLAB/ignore-gfp-wait
	echo 0 >$FAILSLAB/verbose
	echo $FAILURES >$FAILSLAB/times
}

# How many have failed
failures() { echo $((FAILURES - $(cat $FAILSLAB/times))); }

# with_nth_failing N COMMAND...: a function or a builtin, or what is executed by one
with_nth_failing() {
	echo "$1" >/proc/self/fail-nth
	shift
	"$@"
}

# mark; said PATTERN: how often since then. What is older may be gone from the log.
MARK=0
mark() {
	MARK=$((MARK + 1))
	echo "lab: mark $MARK" >/dev/kmsg
}
said() { dmesg | sed "1,/lab: mark $MARK\$/d" | grep -c "nvme[0-9]*: $1"; }

# is_known N: the module knows path N
is_known() { [ "$(fence_attr "$1" state 2>/dev/null)" = open ]; }

load() { exec insmod "$MODULE" evidence=time; }

# load_with_failure N: sets STRANGERS, the paths that the module does not know then, all of which
# the log must name. (busybox tries a second time if it was refused.)
load_with_failure() {
	local path
	STRANGERS=''
	mark
	(with_nth_failing "$1" load) || bail "it is not loaded"
	for path in 1 2; do
		is_known $path || STRANGERS="$STRANGERS $path"
	done
	[ "$(said "the fence policy comes to it when it is reconnected")" = \
		"$(echo "$STRANGERS" | wc -w)" ] ||
		bail "nobody says that it does not know:$STRANGERS"
}

connect_paths() {
	target_start
	proxy_start 1
	path_connect 1
	path_connect_direct 2
	DEVICE=$(head_device)
	trace_start
	choose_allocations_of_module
}

lose_and_deliver() {
	mark
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 4
	lose_path_1
	sleep 2
	proxy 1 deliver --wait
	writer_wait
}

# Two paths are there when it is loaded.
variant_load() {
	local nth=0 before stranger=''
	plan 6
	connect_paths
	while :; do
		nth=$((nth + 1))
		before=$(failures)
		load_with_failure $nth
		[ "$(failures)" != "$before" ] || break
		[ "$STRANGERS" != " 1" ] || stranger=$nth
		fence_unload || bail "it can not be unloaded"
	done
	diag "$(failures) allocations"
	expect_eq "where all succeed it knows both paths" "" "$STRANGERS"
	check "there are some without which it does not know a path" [ -n "$stranger" ]
	fence_unload
	load_with_failure "$stranger"
	lose_and_deliver
	check "what such a path had is executed late" eval '! registers_verify'
	check "the log says so" [ "$(said 'not fenced: [0-9]* cancelled write(s) may be executed late')" -gt 0 ]
	proxy 1 accept
	check "when it is reconnected, the module knows it" await 20 is_known 1
}

# The same, but nothing fails.
variant_load_control() {
	plan 4
	connect_paths
	load_with_failure 0
	lose_and_deliver
	check "no ghost write" registers_verify
	expect_eq "nothing was let go" 0 "$(said 'not fenced')"
	expect_eq "nothing has failed" 0 "$(failures)"
}

# It is loaded when paths come.
variant_connect() {
	local nth=0 before ctrl refused=0
	plan 1
	target_start
	choose_allocations_of_module
	fence_load || bail "it is not loaded"
	while :; do
		nth=$((nth + 1))
		before=$(failures)
		if ctrl=$(with_nth_failing $nth host_connect 127.0.0.1 keep_alive_tmo=5 2>/dev/null); then
			PATH1_CTRL=$ctrl
			is_known 1 || bail "$ctrl is connected without a fence, as allocation $nth failed"
			host_disconnect "$ctrl"
			[ "$(failures)" != "$before" ] || break
		else
			refused=$((refused + 1))
			await 10 eval '! ls /sys/class/nvme/nvme*' >/dev/null 2>&1 ||
				bail "a controller that was refused is there, as allocation $nth failed"
		fi
	done
	diag "$(failures) allocations, of which $refused have the path refused"
	check "there are some without which a path is refused" [ $refused -gt 0 ]
}

# From the loss until what was held has left, all of the module's would fail.
variant_loss() {
	plan 4
	scene_set auto
	choose_allocations_of_module
	echo 100 >$FAILSLAB/probability
	lose_and_deliver
	check "no ghost write" registers_verify
	expect_eq "4 writes were held" 4 "$(fence_counter 1 held)"
	expect_eq "the module has allocated nothing" 0 "$(failures)"
}

# The same injection does see a path that comes.
variant_loss_control() {
	plan 2
	scene_set auto
	choose_allocations_of_module
	echo 100 >$FAILSLAB/probability
	check "a path is refused" eval '! host_connect 127.0.0.1 duplicate_connect 2>/dev/null'
	check "as an allocation has failed" [ "$(failures)" -gt 0 ]
}
