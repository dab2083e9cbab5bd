# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# How the host is told to connect and disconnect, and asked how it is: by the kernel's
# bare interfaces. host-cli.sh has the same functions.

# host_connect ADDRESS OPTION,...: prints the new controller's name
host_connect() {
	local reply
	exec 3<>/dev/nvme-fabrics
	echo "transport=tcp,traddr=$1,trsvcid=4420,nqn=$NQN,hostnqn=$HOSTNQN,hostid=$HOSTID,$2" >&3 ||
		return
	read -r reply <&3
	exec 3>&-
	reply=${reply#instance=}
	echo "nvme${reply%%,*}"
}

# host_disconnect CTRL
host_disconnect() { echo 1 >"/sys/class/nvme/$1/delete_controller"; }

# host_state CTRL
host_state() { cat "/sys/class/nvme/$1/state" 2>/dev/null; }
