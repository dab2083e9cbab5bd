# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The administrator knows that the controller of path 1 is dead, and says so.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the administrator releases what is held"
# shellcheck disable=SC2034
VARIANTS="fence:fence untimed:fence removed:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

lose() {
	scene_set "$1"
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 2
	lose_path_1
	sleep 5
}

variant_fence() {
	local said
	plan 13
	lose time
	expect_eq "after 5 s, 4 writes are held" 4 "$(fence_attr 1 held)"
	expect_eq "all of them have a deadline" 0 "$(fence_attr 1 held_without_deadline)"
	expect_between "they have been held since the path was lost" 5000 "$(late_ms 5100)" \
		"$(fence_attr 1 held_for_ms)"
	check "until which the tool promises them" \
		eval 'nvme-fence status | grep -qE " holding +4 +16\.0 KiB +[0-9]+\.[0-9] s +-\$"'
	check "without a clear word the tool releases nothing" \
		eval "! nvme-fence release $(path_ctrl 1)"
	expect_eq "and they still are" 4 "$(fence_attr 1 held)"
	said=$(now_ns)
	check "the administrator releases them" nvme-fence release --force "$(path_ctrl 1)"
	writer_wait
	expect_between "they were released at once" 0 "$STEP_NS" \
		$(($(event_ns " nvme_fence_release: ") - said))
	expect_eq "nothing is held any more" 0 "$(fence_attr 1 held)"
	expect_eq "nor has been for any time" none "$(fence_attr 1 held_for_ms)"
	expect_eq "the evidence is the administrator's word" admin "$(fence_attr 1 evidence)"
	expect_eq "and it is counted" 1 "$(fence_counter 1 admin)"
}

# Keep alive was turned off: time proves nothing.
variant_untimed() {
	plan 7
	scene_set time
	nvme set-feature "/dev/$(path_ctrl 1)" --feature-id=0x0f --value=0 >/dev/null ||
		bail "keep alive is not turned off"
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 2
	lose_path_1
	sleep 5
	expect_eq "after 5 s, 4 writes are held" 4 "$(fence_attr 1 held)"
	expect_eq "none of them has a deadline" "4 none" \
		"$(fence_attr 1 held_without_deadline) $(fence_attr 1 deadline_ms)"
	expect_between "the tool promises none, and says for how long they are held" 5 $(($(late_ms 5999) / 1000)) \
		"$(nvme-fence status |
			sed -nE 's/.*4 commands held, 16.0 KiB, the oldest for ([0-9]+)\.[0-9]* s, no deadline.*/\1/p')"
	check "the administrator releases them" nvme-fence release --force "$(path_ctrl 1)"
	expect_eq "nothing is held any more" "0 0" \
		"$(fence_attr 1 held) $(fence_attr 1 held_without_deadline)"
	check "there was nothing to release any more" \
		eval 'nvme-fence release --force "$(path_ctrl 1)" | grep -q "nothing was released"'
	writer_wait
}

# Path 1 is disconnected while its writes are held: they stay, and can still be released.
variant_removed() {
	local said removed=/sys/module/nvme_fence/removed
	plan 11
	lose time
	expect_eq "nothing is held by a controller that was removed" 0 "$(cat $removed/held)"
	path_disconnect 1
	expect_eq "now 4 writes are" 4 "$(cat $removed/held)"
	expect_eq "of 4 KiB each" 16384 "$(cat $removed/held_bytes)"
	check "until a deadline" [ "$(cat $removed/deadline_ms)" -gt 0 ]
	check "the tool shows it" eval 'nvme-fence status | grep -q "^removed controllers - 4 commands"'
	check "a path that lives has nothing to do with it" \
		nvme-fence release --force "$(path_ctrl 2)"
	expect_eq "they are still held" 4 "$(cat $removed/held)"
	said=$(now_ns)
	check "the administrator releases them" nvme-fence release --force --removed
	writer_wait
	expect_between "they were released at once" 0 "$STEP_NS" \
		$(($(event_ns " nvme_fence_release: ") - said))
	expect_eq "nothing is held any more" "0 none" \
		"$(cat $removed/held) $(cat $removed/deadline_ms)"
}

variant_control() {
	plan 4
	lose off
	expect_eq "nothing is held that could be released" 0 "$(fence_attr 1 held)"
	check "to release nothing does no harm" nvme-fence release --force "$(path_ctrl 1)"
	expect_eq "and is no evidence" none "$(fence_attr 1 evidence)"
	writer_wait
}
