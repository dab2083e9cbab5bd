// SPDX-License-Identifier: GPL-2.0
/*
 * nvme_fence: the directories in sysfs: fence/ of controllers and subsystems,
 * and removed/ of the module. What the files say, and what may be written to
 * them, is decided in Rust.
 */
#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include "glue.h"

/**
 * struct nvme_fence_dir - one of the directories
 * @kobj: the directory
 * @object: the Rust object that it shows; valid until the directory is removed
 * @released: there are no references to it any more; set before the last of ours
 *	is dropped
 */
struct nvme_fence_dir {
	struct kobject		kobj;
	void			*object;
	struct completion	*released;
};

struct nvme_fence_file {
	struct attribute	attr;
	enum nvme_fence_attr	id;
};

static ssize_t nvme_fence_file_show(struct kobject *kobj,
		struct attribute *attr, char *buf)
{
	struct nvme_fence_dir *dir =
		container_of(kobj, struct nvme_fence_dir, kobj);
	struct nvme_fence_file *file =
		container_of(attr, struct nvme_fence_file, attr);

	return nvme_fence_rs_show(dir->object, file->id, buf, PAGE_SIZE);
}

static ssize_t nvme_fence_file_store(struct kobject *kobj,
		struct attribute *attr, const char *buf, size_t count)
{
	struct nvme_fence_dir *dir =
		container_of(kobj, struct nvme_fence_dir, kobj);
	struct nvme_fence_file *file =
		container_of(attr, struct nvme_fence_file, attr);

	return nvme_fence_rs_store(dir->object, file->id, buf, count);
}

static const struct sysfs_ops nvme_fence_sysfs_ops = {
	.show	= nvme_fence_file_show,
	.store	= nvme_fence_file_store,
};

#define NVME_FENCE_NAMED_FILE(_var, _name, _id, _mode)			\
static struct nvme_fence_file nvme_fence_file_##_var = {		\
	.attr	= { .name = __stringify(_name), .mode = _mode },	\
	.id	= _id,							\
}
#define NVME_FENCE_FILE(_name, _id, _mode)				\
	NVME_FENCE_NAMED_FILE(_name, _name, _id, _mode)
#define NVME_FENCE_REMOVED_FILE(_name, _id, _mode)			\
	NVME_FENCE_NAMED_FILE(removed_##_name, _name, _id, _mode)

NVME_FENCE_FILE(hold, NVME_FENCE_ATTR_HOLD, 0644);
NVME_FENCE_NAMED_FILE(believed, evidence, NVME_FENCE_ATTR_BELIEVED, 0644);
NVME_FENCE_FILE(cqt_default_ms, NVME_FENCE_ATTR_CQT_DEFAULT_MS, 0644);
NVME_FENCE_FILE(cqt_override_ms, NVME_FENCE_ATTR_CQT_OVERRIDE_MS, 0644);
NVME_FENCE_FILE(history, NVME_FENCE_ATTR_HISTORY, 0444);
NVME_FENCE_FILE(totals, NVME_FENCE_ATTR_TOTALS, 0444);

static struct attribute *nvme_fence_subsys_attrs[] = {
	&nvme_fence_file_hold.attr,
	&nvme_fence_file_believed.attr,
	&nvme_fence_file_cqt_default_ms.attr,
	&nvme_fence_file_cqt_override_ms.attr,
	&nvme_fence_file_history.attr,
	&nvme_fence_file_totals.attr,
	NULL
};
ATTRIBUTE_GROUPS(nvme_fence_subsys);

NVME_FENCE_FILE(state, NVME_FENCE_ATTR_STATE, 0444);
NVME_FENCE_FILE(identity, NVME_FENCE_ATTR_IDENTITY, 0444);
NVME_FENCE_FILE(ciu, NVME_FENCE_ATTR_CIU, 0444);
NVME_FENCE_FILE(cirn, NVME_FENCE_ATTR_CIRN, 0400);
NVME_FENCE_FILE(cqt, NVME_FENCE_ATTR_CQT, 0444);
NVME_FENCE_FILE(ccrl, NVME_FENCE_ATTR_CCRL, 0444);
NVME_FENCE_FILE(held, NVME_FENCE_ATTR_HELD, 0444);
NVME_FENCE_FILE(held_bytes, NVME_FENCE_ATTR_HELD_BYTES, 0444);
NVME_FENCE_FILE(deadline_ms, NVME_FENCE_ATTR_DEADLINE_MS, 0444);
NVME_FENCE_FILE(deadline_rule, NVME_FENCE_ATTR_DEADLINE_RULE, 0444);
NVME_FENCE_FILE(held_without_deadline, NVME_FENCE_ATTR_HELD_WITHOUT_DEADLINE,
		0444);
NVME_FENCE_FILE(held_for_ms, NVME_FENCE_ATTR_HELD_FOR_MS, 0444);
NVME_FENCE_FILE(tracked, NVME_FENCE_ATTR_TRACKED, 0444);
NVME_FENCE_FILE(tracked_blocks, NVME_FENCE_ATTR_TRACKED_BLOCKS, 0444);
NVME_FENCE_FILE(waiting, NVME_FENCE_ATTR_WAITING, 0444);
NVME_FENCE_FILE(evidence, NVME_FENCE_ATTR_EVIDENCE, 0444);
NVME_FENCE_FILE(counters, NVME_FENCE_ATTR_COUNTERS, 0444);
NVME_FENCE_FILE(release, NVME_FENCE_ATTR_RELEASE, 0200);

static struct attribute *nvme_fence_ctrl_attrs[] = {
	&nvme_fence_file_state.attr,
	&nvme_fence_file_identity.attr,
	&nvme_fence_file_ciu.attr,
	&nvme_fence_file_cirn.attr,
	&nvme_fence_file_cqt.attr,
	&nvme_fence_file_ccrl.attr,
	&nvme_fence_file_held.attr,
	&nvme_fence_file_held_bytes.attr,
	&nvme_fence_file_deadline_ms.attr,
	&nvme_fence_file_deadline_rule.attr,
	&nvme_fence_file_held_without_deadline.attr,
	&nvme_fence_file_held_for_ms.attr,
	&nvme_fence_file_tracked.attr,
	&nvme_fence_file_tracked_blocks.attr,
	&nvme_fence_file_waiting.attr,
	&nvme_fence_file_evidence.attr,
	&nvme_fence_file_counters.attr,
	&nvme_fence_file_release.attr,
	NULL
};
ATTRIBUTE_GROUPS(nvme_fence_ctrl);

NVME_FENCE_REMOVED_FILE(held, NVME_FENCE_ATTR_REMOVED_HELD, 0444);
NVME_FENCE_REMOVED_FILE(held_bytes, NVME_FENCE_ATTR_REMOVED_HELD_BYTES, 0444);
NVME_FENCE_REMOVED_FILE(deadline_ms, NVME_FENCE_ATTR_REMOVED_DEADLINE_MS, 0444);
NVME_FENCE_REMOVED_FILE(deadline_rule, NVME_FENCE_ATTR_REMOVED_DEADLINE_RULE,
			0444);
NVME_FENCE_REMOVED_FILE(held_without_deadline,
			NVME_FENCE_ATTR_REMOVED_HELD_WITHOUT_DEADLINE, 0444);
NVME_FENCE_REMOVED_FILE(tracked, NVME_FENCE_ATTR_REMOVED_TRACKED, 0444);
NVME_FENCE_REMOVED_FILE(tracked_blocks, NVME_FENCE_ATTR_REMOVED_TRACKED_BLOCKS,
			0444);
NVME_FENCE_REMOVED_FILE(waiting, NVME_FENCE_ATTR_REMOVED_WAITING, 0444);
NVME_FENCE_REMOVED_FILE(release, NVME_FENCE_ATTR_REMOVED_RELEASE, 0200);

static struct attribute *nvme_fence_removed_attrs[] = {
	&nvme_fence_file_removed_held.attr,
	&nvme_fence_file_removed_held_bytes.attr,
	&nvme_fence_file_removed_deadline_ms.attr,
	&nvme_fence_file_removed_deadline_rule.attr,
	&nvme_fence_file_removed_held_without_deadline.attr,
	&nvme_fence_file_removed_tracked.attr,
	&nvme_fence_file_removed_tracked_blocks.attr,
	&nvme_fence_file_removed_waiting.attr,
	&nvme_fence_file_removed_release.attr,
	NULL
};
ATTRIBUTE_GROUPS(nvme_fence_removed);

static void nvme_fence_dir_release(struct kobject *kobj)
{
	complete(container_of(kobj, struct nvme_fence_dir, kobj)->released);
}

static const struct kobj_type nvme_fence_dir_types[] = {
	[NVME_FENCE_DIR_SUBSYS] = {
		.release	= nvme_fence_dir_release,
		.sysfs_ops	= &nvme_fence_sysfs_ops,
		.default_groups	= nvme_fence_subsys_groups,
	},
	[NVME_FENCE_DIR_CTRL] = {
		.release	= nvme_fence_dir_release,
		.sysfs_ops	= &nvme_fence_sysfs_ops,
		.default_groups	= nvme_fence_ctrl_groups,
	},
	[NVME_FENCE_DIR_REMOVED] = {
		.release	= nvme_fence_dir_release,
		.sysfs_ops	= &nvme_fence_sysfs_ops,
		.default_groups	= nvme_fence_removed_groups,
	},
};

static const char * const nvme_fence_dir_names[] = {
	[NVME_FENCE_DIR_SUBSYS]		= "fence",
	[NVME_FENCE_DIR_CTRL]		= "fence",
	[NVME_FENCE_DIR_REMOVED]	= "removed",
};

/* The event for udev: there are settings that can be changed. */
static char *nvme_fence_attached[] = { "NVME_FENCE=attached", NULL };

/* /sys/module/nvme_fence, which is there as long as we are */
struct kobject *nvme_fence_module_dir(void)
{
#ifdef MODULE
	return &THIS_MODULE->mkobj.kobj;
#else
	struct module_kobject *mk =
		lookup_or_create_module_kobject(KBUILD_MODNAME);

	/* What is built in is never removed: the reference is kept. */
	return mk ? &mk->kobj : NULL;
#endif
}

/*
 * Drops our reference.  The last one may be dropped later, by somebody else: with
 * CONFIG_DEBUG_KOBJECT_RELEASE it always is.  What is called then is in this
 * module, which must not be gone before.
 */
static void nvme_fence_dir_put(struct nvme_fence_dir *dir)
{
	DECLARE_COMPLETION_ONSTACK(released);

	dir->released = &released;
	kobject_put(&dir->kobj);
	wait_for_completion(&released);
	kfree(dir);
}

struct nvme_fence_dir *nvme_fence_dir_create(struct kobject *parent,
		enum nvme_fence_dir_kind kind, void *object)
{
	struct nvme_fence_dir *dir;
	int ret;

	dir = kzalloc_obj(*dir);
	if (!dir)
		return ERR_PTR(-ENOMEM);
	dir->object = object;
	ret = kobject_init_and_add(&dir->kobj, &nvme_fence_dir_types[kind],
				   parent, "%s", nvme_fence_dir_names[kind]);
	if (ret) {
		nvme_fence_dir_put(dir);
		return ERR_PTR(ret);
	}
	if (kind == NVME_FENCE_DIR_SUBSYS)
		kobject_uevent_env(parent, KOBJ_CHANGE, nvme_fence_attached);
	return dir;
}

/*
 * Waits for those who read or write a file in it, and for the end of the
 * references to it.  May sleep.
 */
void nvme_fence_dir_remove(struct nvme_fence_dir *dir)
{
	kobject_del(&dir->kobj);
	nvme_fence_dir_put(dir);
}
