/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The border between the C and the Rust part of nvme_fence: what is below is
 * all that either of them knows of the other.
 */
#ifndef _NVME_FENCE_GLUE_H
#define _NVME_FENCE_GLUE_H

#include <linux/bio.h>
#include <linux/hrtimer.h>
#include <linux/nvme-fence.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct kobject;
struct nvme_ctrl;
struct nvme_fence_dir;

/**
 * struct nvme_fence_ctrl_info - a controller that a policy attaches to
 * @ctrl: the controller
 * @port: its port: a number made of the address, the same for the same address
 * @host_port: the port of the host that it is reached through, as such a number
 * @nqn: NVMe Qualified Name of its subsystem
 * @ctrl_dir: its directory in sysfs
 * @subsys_dir: the directory of its subsystem
 * @instance: N of nvmeN
 */
struct nvme_fence_ctrl_info {
	struct nvme_ctrl *ctrl;
	u64		port;
	u64		host_port;
	const char	*nqn;
	struct kobject	*ctrl_dir;
	struct kobject	*subsys_dir;
	unsigned int	instance;
};

/**
 * struct nvme_fence_clock - the timer of a subsystem, and what looks after it
 * @timer: for the earliest deadline
 * @expiry_work: queued when that has passed
 * @ask_work: queued when there may be something to ask
 * @lock: protects @stopped, and that nothing is started afterwards
 * @stopped: none of these is started any more
 */
struct nvme_fence_clock {
	struct hrtimer		timer;
	struct work_struct	expiry_work;
	struct work_struct	ask_work;
	spinlock_t		lock;
	bool			stopped;
};

/*
 * Attributes in sysfs; nvme_fence_subsys_attrs, nvme_fence_ctrl_attrs and
 * nvme_fence_removed_attrs
 */
enum nvme_fence_attr {
	NVME_FENCE_ATTR_HOLD,
	NVME_FENCE_ATTR_BELIEVED,
	NVME_FENCE_ATTR_CQT_DEFAULT_MS,
	NVME_FENCE_ATTR_CQT_OVERRIDE_MS,
	NVME_FENCE_ATTR_HISTORY,
	NVME_FENCE_ATTR_TOTALS,

	NVME_FENCE_ATTR_STATE,
	NVME_FENCE_ATTR_IDENTITY,
	NVME_FENCE_ATTR_CIU,
	NVME_FENCE_ATTR_CIRN,
	NVME_FENCE_ATTR_CQT,
	NVME_FENCE_ATTR_CCRL,
	NVME_FENCE_ATTR_HELD,
	NVME_FENCE_ATTR_HELD_BYTES,
	NVME_FENCE_ATTR_DEADLINE_MS,
	NVME_FENCE_ATTR_DEADLINE_RULE,
	NVME_FENCE_ATTR_HELD_WITHOUT_DEADLINE,
	NVME_FENCE_ATTR_HELD_FOR_MS,
	NVME_FENCE_ATTR_TRACKED,
	NVME_FENCE_ATTR_TRACKED_BLOCKS,
	NVME_FENCE_ATTR_WAITING,
	NVME_FENCE_ATTR_EVIDENCE,
	NVME_FENCE_ATTR_COUNTERS,
	NVME_FENCE_ATTR_RELEASE,

	NVME_FENCE_ATTR_REMOVED_HELD,
	NVME_FENCE_ATTR_REMOVED_HELD_BYTES,
	NVME_FENCE_ATTR_REMOVED_DEADLINE_MS,
	NVME_FENCE_ATTR_REMOVED_DEADLINE_RULE,
	NVME_FENCE_ATTR_REMOVED_HELD_WITHOUT_DEADLINE,
	NVME_FENCE_ATTR_REMOVED_TRACKED,
	NVME_FENCE_ATTR_REMOVED_TRACKED_BLOCKS,
	NVME_FENCE_ATTR_REMOVED_WAITING,
	NVME_FENCE_ATTR_REMOVED_RELEASE,
};

enum nvme_fence_dir_kind {
	NVME_FENCE_DIR_SUBSYS,
	NVME_FENCE_DIR_CTRL,
	NVME_FENCE_DIR_REMOVED,
};

/* As printed by the trace events */
enum nvme_fence_rule {
	NVME_FENCE_RULE_NONE,
	NVME_FENCE_RULE_COMMAND,
	NVME_FENCE_RULE_TRAFFIC,
	NVME_FENCE_RULE_NOTIFICATION,
	NVME_FENCE_RULE_CCR_FAILED,
	NVME_FENCE_RULE_LOST_HOST_LOG,
};

enum nvme_fence_cqt_source {
	NVME_FENCE_CQT_CONTROLLER,
	NVME_FENCE_CQT_DEFAULT,
	NVME_FENCE_CQT_OVERRIDE,
};

enum nvme_fence_evidence {
	NVME_FENCE_EVIDENCE_TIME,
	NVME_FENCE_EVIDENCE_RECONNECT,
	NVME_FENCE_EVIDENCE_RECONNECT_BY_ID,
	NVME_FENCE_EVIDENCE_DISABLED,
	NVME_FENCE_EVIDENCE_ADMIN,
	NVME_FENCE_EVIDENCE_CCR,
	NVME_FENCE_EVIDENCE_TARGET,
};

/* How a Cross-Controller Reset goes: what was asked, answered, reported */
enum nvme_fence_reset_step {
	NVME_FENCE_RESET_ASKED,
	NVME_FENCE_RESET_IMMEDIATE,
	NVME_FENCE_RESET_GONE,
	NVME_FENCE_RESET_ACCEPTED,
	NVME_FENCE_RESET_IN_PROGRESS,
	NVME_FENCE_RESET_LOG_FULL,
	NVME_FENCE_RESET_LIMIT_EXCEEDED,
	NVME_FENCE_RESET_REFUSED,
	NVME_FENCE_RESET_FAILED,
	NVME_FENCE_RESET_NOT_SENT,
	NVME_FENCE_RESET_REPORTED_IN_PROGRESS,
	NVME_FENCE_RESET_REPORTED_SUCCESS,
	NVME_FENCE_RESET_REPORTED_FAILED,
	NVME_FENCE_RESET_REPORTED_INVALID,
	NVME_FENCE_RESET_NOT_REPORTED,
	NVME_FENCE_RESET_UNANSWERED,
};

/**
 * struct nvme_fence_rec - what all trace events tell of a record
 * @id: number of the record
 * @instance: N of nvmeN
 * @held: commands held
 * @held_bytes: sum of their lengths
 */
struct nvme_fence_rec {
	u64	id;
	u64	held_bytes;
	u32	held;
	int	instance;
};

/**
 * struct nvme_fence_wait - the parts of a deadline
 * @t_last_ns: what it is counted from, CLOCK_MONOTONIC
 * @deadline_ns: when it is, CLOCK_MONOTONIC
 * @katt_ms: keep alive timeout
 * @cqt_ms: Command Quiesce Time
 * @n: number of keep alive timeouts
 * @rule: enum nvme_fence_rule
 * @cqt_source: enum nvme_fence_cqt_source
 */
struct nvme_fence_wait {
	u64	t_last_ns;
	u64	deadline_ns;
	u32	katt_ms;
	u32	cqt_ms;
	u8	n;
	u8	rule;
	u8	cqt_source;
};

/**
 * struct nvme_fence_reset - a Cross-Controller Reset, as trace events tell it
 * @source_id: number of the record of the source
 * @source: N of nvmeN, the source
 * @icid: Controller ID of the impacted controller
 * @ciu: its instance
 * @step: enum nvme_fence_reset_step
 */
struct nvme_fence_reset {
	u64	source_id;
	int	source;
	u16	icid;
	u8	ciu;
	u8	step;
};

/* glue.c, called from Rust */

extern char *nvme_fence_param_hold;
extern char *nvme_fence_param_evidence;
extern unsigned int nvme_fence_param_cqt_default_ms;
extern unsigned int nvme_fence_param_cqt_override_ms;
extern unsigned int nvme_fence_param_tracked_max;

int nvme_fence_glue_init(void *host);
void nvme_fence_glue_exit(void);
int nvme_fence_glue_register(void);
void nvme_fence_glue_unregister(void);
void nvme_fence_clock_init(struct nvme_fence_clock *clock);
void nvme_fence_clock_arm(struct nvme_fence_clock *clock, u64 at_ns);
void nvme_fence_clock_ask(struct nvme_fence_clock *clock);
void nvme_fence_clock_flush_ask(struct nvme_fence_clock *clock);
void nvme_fence_clock_stop(struct nvme_fence_clock *clock);
void nvme_fence_ctrl_get(struct nvme_ctrl *ctrl);
void nvme_fence_ctrl_put(struct nvme_ctrl *ctrl);
bool nvme_fence_optimized(struct nvme_ctrl *ctrl);
int nvme_fence_glue_read_log(struct nvme_ctrl *ctrl, bool lost_host,
			     bool retain_event, bool remove_completed,
			     unsigned long cookie);

#ifdef NVME_FENCE_OWN_LOCK
void nvme_fence_lock_init(spinlock_t *lock, const char *name,
			  struct lock_class_key *key);
unsigned long nvme_fence_lock(spinlock_t *lock);
bool nvme_fence_trylock(spinlock_t *lock, unsigned long *flags);
void nvme_fence_unlock(spinlock_t *lock, unsigned long flags);
void nvme_fence_assert_locked(spinlock_t *lock);
#endif

void nvme_fence_trace_lost(const struct nvme_fence_rec *rec, u16 cntlid,
			   u8 ciu);
void nvme_fence_trace_hold(const struct nvme_fence_rec *rec,
			   const struct nvme_fence_cmd *cmd);
void nvme_fence_trace_track(const struct nvme_fence_rec *rec,
			    const struct nvme_fence_cmd *cmd);
void nvme_fence_trace_wait(const struct nvme_fence_rec *rec,
			   const struct nvme_fence_cmd *cmd);
void nvme_fence_trace_deadline(const struct nvme_fence_rec *rec,
			       const struct nvme_fence_wait *wait);
void nvme_fence_trace_evidence(const struct nvme_fence_rec *rec, u8 evidence);
void nvme_fence_trace_release(const struct nvme_fence_rec *rec, u8 evidence,
			      u64 held_ns);
void nvme_fence_trace_reset(const struct nvme_fence_rec *rec,
			    const struct nvme_fence_reset *reset);

/* sysfs.c, called from Rust */

struct nvme_fence_dir *nvme_fence_dir_create(struct kobject *parent,
		enum nvme_fence_dir_kind kind, void *object);
void nvme_fence_dir_remove(struct nvme_fence_dir *dir);
struct kobject *nvme_fence_module_dir(void);

/*
 * Rust, called from C; @host is what nvme_fence_glue_init() was called with,
 * @fence what nvme_fence_rs_attach() returned, @data what nvme_fence_rs_open()
 * returned
 */

void *nvme_fence_rs_attach(void *host,
			   const struct nvme_fence_ctrl_info *info);
void nvme_fence_rs_detach(void *fence);
void *nvme_fence_rs_open(void *fence, struct nvme_assoc *assoc,
			 const struct nvme_fence_identity *id);
void nvme_fence_rs_forget(void *data);
void nvme_fence_rs_event(void *data, enum nvme_fence_event event);
u64 nvme_fence_rs_closed(void *data, const struct nvme_fence_clocks *clocks);
enum nvme_fence_verdict nvme_fence_rs_hold(void *data,
					   const struct nvme_fence_cmd *cmd);
bool nvme_fence_rs_overlaps(void *data, const struct nvme_fence_cmd *cmd);
void nvme_fence_rs_repeated(void *data);
void nvme_fence_rs_drained(void *data);
void nvme_fence_rs_news(void *fence, bool lost_host);
void nvme_fence_rs_reset_answered(void *fence, unsigned long cookie,
				  const struct nvme_fence_ccr_answer *answer);
void nvme_fence_rs_log_read(void *fence, unsigned long cookie,
			    const void *page);
void nvme_fence_rs_expired(struct nvme_fence_clock *clock);
void nvme_fence_rs_ask(struct nvme_fence_clock *clock);
ssize_t nvme_fence_rs_show(void *object, u32 attr, char *buf, size_t size);
ssize_t nvme_fence_rs_store(void *object, u32 attr, const char *buf,
			    size_t count);

#endif /* _NVME_FENCE_GLUE_H */
