# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# blktests, from a checkout with our cases in it: tools/lab/blktests puts that into the
# machine as /blktests, and names the tests. It is a list of what blktests says, and no
# verdict: who runs it on two kernels compares them.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="blktests over nvme-tcp"
# shellcheck disable=SC2034
VARIANTS="stock:stock-smp fence:fence-smp"
# shellcheck disable=SC2034
MACHINES="blktests"
# shellcheck disable=SC2034
TIMEOUT=7200

# What blktests expects of a system, and busybox is not.
become_a_system() {
	ln -s /usr/bin/bash /bin/bash
	# It aligns what is to be read by people.
	[ -e /usr/bin/column ] || printf '#!/bin/sh\nexec cat\n' >/bin/column
	chmod +x /bin/column
	ln -s /proc/self/fd /dev/fd
	mkdir -p /var/tmp /run/udev /suite
	# Files of the first file system can not be opened for direct I/O.
	mount -t tmpfs suite /suite
	cp -r /blktests/. /suite
	mkdir /boot
	cp /blktests/kernel-config "/boot/config-$(uname -r)"
	mkdir -p "/lib/modules/$(uname -r)/kernel"
	cp /lib/modules/nvme_fence.ko "/lib/modules/$(uname -r)/kernel"
	/usr/sbin/depmod
}

blktests() {
	local tests
	tests=$(parameter lab.tests nvme | tr ',' ' ')
	# shellcheck disable=SC2086 # words
	(cd /suite && PATH=/usr/bin:/usr/sbin:/bin TMPDIR=/tmp ./check $tests >/out/check.txt 2>&1)
	cp -r /suite/results /out
}

# One line for each test: its name, a tabulator, what became of it
results() {
	sed -nE 's/^([a-z]+\/[0-9]+) (\([a-z]+=[^)]*\))?.*\[(passed|failed|not run)\]$/\1 \2\t\3/p' \
		/out/check.txt
}

list() {
	local name status
	become_a_system
	blktests
	results >/out/results.txt
	plan "$(wc -l </out/results.txt)"
	while IFS="$(printf '\t')" read -r name status; do
		case "$status" in
		'not run') skip "$name" "$status" ;;
		*) ok "$name: $status" ;;
		esac
	done </out/results.txt
}

variant_stock() { list; }
variant_fence() { list; }
