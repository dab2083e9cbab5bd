# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Everything at once: paths are lost, come back, are disconnected and reset, while the
# knobs are turned and everything in sysfs is read, under load. What happens when is
# drawn from a seed; how it meets is up to the machine. The kernel's own checkers are the
# judges, in the variant `registers` the registers are, too: nothing happens there that
# would allow a ghost write.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="loss, reconnect, release, sysfs, disconnect and unload, against each other"
# shellcheck disable=SC2034
VARIANTS="registers:fence anything:fence"
# shellcheck disable=SC2034
MACHINES="qemu"
# shellcheck disable=SC2034
TIMEOUT=900

OPTIONS=keep_alive_tmo=5,reconnect_delay=1
ACTORS='' OVER=/run/over

# draw ACTOR CHOICE...: ROUNDS lines of "DECISECONDS CHOICE", the actor's schedule
draw() {
	local actor="$1"
	shift
	awk -v seed="$((SEED * 64 + actor))" -v rounds="$ROUNDS" -v choices="$*" 'BEGIN {
		srand(seed)
		n = split(choices, choice, " ")
		for (i = 0; i < rounds; i++)
			print 1 + int(rand() * 40), choice[1 + int(rand() * n)]
	}'
}

pause() { sleep "$(($1 / 10)).$(($1 % 10))"; }

over() { [ -e "$OVER" ]; }

# actor COMMAND...: in the background; actors_wait waits for it
actor() {
	"$@" >>/out/actors.txt 2>&1 &
	ACTORS="$ACTORS $!"
}

# --- Actors that do so many rounds --------------------------------------------

# A path that is late, or silent, or cut, for a while.
path_trouble() {
	local path="$1" delay what
	shift
	draw "$path" "$@" | while read -r delay what; do
		diag "path $path: $what, $delay"
		proxy "$path" "$what"
		case "$what" in
		hold | freeze)
			# Until the host has lost it, mostly, and for a while longer.
			[ $((delay % 4)) = 0 ] ||
				timeout 10 ghost ctl --control "/run/path$path" wait host-closed all
			pause "$delay"
			proxy "$path" deliver
			;;
		esac
		pause $((delay * 2))
	done
}

# controllers N: those of path N, if there are any
controllers() {
	grep -l "traddr=127.0.0.$((10 + $1))," /sys/class/nvme/nvme*/address 2>/dev/null |
		sed 's|/address$||'
}

disconnector() {
	local delay what ctrl
	draw 3 reset disconnect | while read -r delay what; do
		for ctrl in $(controllers 1); do
			diag "$what of ${ctrl##*/}"
			case "$what" in
			reset) echo 1 >"$ctrl/reset_controller" ;;
			disconnect) echo 1 >"$ctrl/delete_controller" ;;
			esac
		done
		pause "$delay"
		[ -n "$(controllers 1)" ] || connect_again
	done
}

connect_again() { (path_connect 1 "$OPTIONS" && path_io_timeout 1 3000); }

# --- Actors that go on until the others are done ------------------------------

reader() {
	until over; do
		# What is not readable is not read, and what goes away meanwhile is gone.
		cat /sys/class/nvme/nvme*/fence/* /sys/class/nvme-subsystem/*/fence/* \
			>/dev/null 2>&1
		nvme-fence status >/dev/null
		sleep 0.5
	done
}

# knobs CHOICE...: ways as fence_load_as knows them, or `release`
knobs() {
	local delay what ctrl
	until over; do
		draw 4 "$@" | while read -r delay what && ! over; do
			case "$what" in
			release)
				for ctrl in /sys/class/nvme/nvme*/fence; do
					echo 1 >"$ctrl/release"
				done
				;;
			off) fence_set hold none ;;
			time) fence_set hold all && fence_believe ;;
			auto) fence_set hold all && fence_believe ccr ;;
			overlap) fence_set hold overlap && fence_believe ;;
			reconnect) fence_set hold all && fence_believe reconnect ;;
			target) fence_set hold all && fence_believe target ;;
			esac
			fence_set cqt_override_ms $((1000 + delay * 10))
			fence_set cqt_default_ms $((1000 + delay * 10))
			pause $((delay / 4))
		done
	done
}

module() {
	local delay way
	until over; do
		draw 5 auto time off | while read -r delay way && ! over; do
			fence_unload
			pause $((delay / 8))
			fence_load_as "$way" cqt_override_ms=1000
			pause $((delay / 2))
		done
	done
}

# load: registers, written and read and verified, again and again. Status 2 is an I/O
# error, 1 a ghost write.
load() {
	local status
	until over; do
		status=0
		ghost write run --device "$DEVICE" --blocks 16 --writes 50 --interval-ms 20 \
			--readers --read-interval-ms 100 --report /out/report.json || status=$?
		[ $status != 0 ] || registers_verify || status=$?
		[ $status = 0 ] || echo $status >>/run/load
		echo >>/run/runs
	done
}

# fio_load [OPTION...]: the same with fio, on blocks of its own
fio_load() {
	until over; do
		fio --name=load --filename="$DEVICE" --offset=32m --size=1m --rw=randwrite \
			--bsrange=4k-64k --direct=1 --ioengine=libaio --iodepth=4 \
			--rate_iops=20 --minimal "$@" || echo fio >>/run/load
		# It takes longer to start than to write.
		sleep 10
	done
}

# --- The play -----------------------------------------------------------------

stress_begin() {
	SEED=$(parameter lab.seed 1) ROUNDS=$(parameter lab.rounds 12)
	diag "seed $SEED, $ROUNDS rounds"
	target_start
	proxy_start 1
	proxy_start 2
	fence_load_as time cqt_override_ms=1000 || bail "the module does not load"
	path_connect 1 "$OPTIONS"
	path_connect 2 "$OPTIONS"
	path_io_timeout 1 3000
	DEVICE=$(head_device)
	# Both paths carry what there is.
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	: >/run/load
	load >>/out/load.txt 2>&1 &
	LOAD=$!
}

# Ends when all rounds are done, everything is as before, and nothing is held.
stress_end() {
	local rounds="$1"
	# shellcheck disable=SC2086 # a list of process ids
	wait $rounds
	: >"$OVER"
	# shellcheck disable=SC2086
	wait $ACTORS $LOAD
	ok "all actors have ended"
	expect_between "there was load" 1 1000000 "$(wc -l </run/runs)"
	expect_eq "no read or write failed" "" "$(grep -E '2|fio' /run/load)"
	[ -d /sys/module/nvme_fence ] || fence_load || bail "the module does not load"
	[ -n "$(controllers 1)" ] || connect_again
	check "both paths are live again" await 60 both_live
	check "nothing is held" await 60 nothing_held
	check "a block is written" write_block "$DEVICE" 100 A
	check "the module is unloaded" await 60 fence_unload
}

both_live() { [ "$(cat /sys/class/nvme/nvme*/state)" = "live
live" ]; }

nothing_held() { ! cat /sys/class/nvme/nvme*/fence/held | grep -qv '^0$'; }

variant_registers() {
	local rounds
	plan 8
	stress_begin
	actor path_trouble 1 hold hold freeze drop
	actor path_trouble 2 drop
	actor disconnector
	rounds=$ACTORS
	actor reader
	actor fio_load --verify=crc32c --verify_fatal=1
	actor knobs auto time overlap reconnect
	stress_end "$rounds"
	expect_eq "no ghost write" "" "$(grep 1 /run/load)"
}

variant_anything() {
	local rounds
	plan 7
	stress_begin
	actor path_trouble 1 hold freeze drop
	actor path_trouble 2 drop
	actor disconnector
	rounds=$ACTORS
	actor reader
	actor fio_load
	actor knobs auto time off overlap reconnect target release release
	actor module
	stress_end "$rounds"
}
