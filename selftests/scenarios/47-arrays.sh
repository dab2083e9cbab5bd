# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# An array gets the settings that arrays.conf has for its model, whenever the module begins to
# manage it, and only then: what somebody has set by hand stays while it is connected. Here
# busybox is told of the kernel's events, and does what the rule of udev says.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="an array that is connected gets the settings of its model"
# shellcheck disable=SC2034
VARIANTS="fence:fence other:fence"

ARRAYS=/run/arrays.conf

# events_start: from now on, each event is a line in /out/events.txt, and settings are applied
events_start() {
	cat >/run/rule <<-END
		#!/bin/sh
		echo "\$ACTION \$SUBSYSTEM \$DEVPATH \$NVME_FENCE" >>/out/events.txt
		[ "\$ACTION \$SUBSYSTEM \$NVME_FENCE" != "change nvme-subsystem attached" ] ||
			nvme-fence apply --file $ARRAYS "\${DEVPATH##*/}" >>/out/applied.txt 2>&1
	END
	chmod +x /run/rule
	: >/out/events.txt
	helper uevent /run/rule
	await 10 is_heard || bail "no events are heard"
}

# It listens from some moment on.
is_heard() {
	echo change >/sys/class/mem/null/uevent
	grep -q /null /out/events.txt
}

# applied N: so many times something was applied
applied() { [ "$(grep -c '' /out/applied.txt)" = "$1" ]; }

# in_force: the settings that arrays.conf names, in one line
in_force() { echo "$(fence_get cqt_default_ms) $(fence_get evidence)"; }

# entry MODEL
entry() {
	cat >$ARRAYS <<-END
		[[array]]
		model = "$1"
		cqt-default-ms = 5000
		evidence = "+reconnect-by-id"
	END
}

SET="5000 [ccr] [time] [reconnect] [reconnect-by-id] [disabled] notification target"
DEFAULT="10000 [ccr] [time] [reconnect] reconnect-by-id [disabled] notification target"

variant_fence() {
	plan 8
	target_start
	entry 'Lin?x*'
	events_start
	fence_load || bail "the module does not load"
	path_connect_direct 1
	check "when an array is connected, something is applied" await 10 applied 1
	expect_eq "which is what its entry says" "$SET" "$(in_force)"
	fence_set cqt_default_ms 7000
	path_connect_direct 2
	path_disconnect 1
	await 10 grep -q "^remove .*/$PATH1_CTRL " /out/events.txt || bail "it does not go"
	expect_eq "a second path changes nothing" 7000 "$(fence_get cqt_default_ms)"
	check "nor is anything applied" applied 1
	fence_unload
	fence_load || bail "the module does not load"
	check "when the module is loaded again, something is" await 10 applied 2
	expect_eq "and it is the same" "$SET" "$(in_force)"
	path_disconnect 2
	path_connect_direct 1
	check "when the array was gone, too" await 10 applied 3
	expect_eq "and it is the same again" "$SET" "$(in_force)"
}

variant_other() {
	plan 3
	target_start
	entry 'Other*'
	events_start
	fence_load || bail "the module does not load"
	path_connect_direct 1
	check "the array is looked at" await 10 applied 1
	expect_eq "its model has no entry" \
		"$(cd /sys/class/nvme-subsystem && echo nvme-subsys*): model \`Linux\`: no entry in $ARRAYS" \
		"$(cat /out/applied.txt)"
	expect_eq "and it keeps the defaults" "$DEFAULT" "$(in_force)"
}
