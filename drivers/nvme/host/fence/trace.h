/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvme_fence

#if !defined(_NVME_FENCE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NVME_FENCE_TRACE_H

#include <linux/blk_types.h>
#include <linux/tracepoint.h>
#include "glue.h"

#define nvme_fence_show_op(op)					\
	__print_symbolic(op,					\
		{ REQ_OP_WRITE,		"W" },			\
		{ REQ_OP_WRITE_ZEROES,	"Z" },			\
		{ REQ_OP_DISCARD,	"D" },			\
		{ REQ_OP_ZONE_APPEND,	"A" },			\
		{ REQ_OP_ZONE_OPEN,	"ZO" },			\
		{ REQ_OP_ZONE_CLOSE,	"ZC" },			\
		{ REQ_OP_ZONE_FINISH,	"ZF" },			\
		{ REQ_OP_ZONE_RESET,	"ZR" },			\
		{ REQ_OP_ZONE_RESET_ALL, "ZRA" },		\
		{ REQ_OP_DRV_OUT,	"PO" },			\
		{ REQ_OP_DRV_IN,	"PI" })

#define nvme_fence_show_rule(rule)				\
	__print_symbolic(rule,					\
		{ NVME_FENCE_RULE_NONE,		"none" },	\
		{ NVME_FENCE_RULE_COMMAND,	"command" },	\
		{ NVME_FENCE_RULE_TRAFFIC,	"traffic" },	\
		{ NVME_FENCE_RULE_NOTIFICATION,	"notification" }, \
		{ NVME_FENCE_RULE_CCR_FAILED,	"ccr-failed" },	\
		{ NVME_FENCE_RULE_LOST_HOST_LOG, "lost-host-log" })

#define nvme_fence_show_cqt_source(source)			\
	__print_symbolic(source,				\
		{ NVME_FENCE_CQT_CONTROLLER,	"controller" },	\
		{ NVME_FENCE_CQT_DEFAULT,	"default" },	\
		{ NVME_FENCE_CQT_OVERRIDE,	"override" })

#define nvme_fence_show_evidence(evidence)			\
	__print_symbolic(evidence,				\
		{ NVME_FENCE_EVIDENCE_TIME,	"time" },	\
		{ NVME_FENCE_EVIDENCE_RECONNECT, "reconnect" },	\
		{ NVME_FENCE_EVIDENCE_RECONNECT_BY_ID, "reconnect-by-id" }, \
		{ NVME_FENCE_EVIDENCE_DISABLED,	"disabled" },	\
		{ NVME_FENCE_EVIDENCE_ADMIN,	"admin" },	\
		{ NVME_FENCE_EVIDENCE_CCR,	"ccr" },	\
		{ NVME_FENCE_EVIDENCE_TARGET,	"target" })

#define nvme_fence_show_reset_step(step)				\
	__print_symbolic(step,						\
		{ NVME_FENCE_RESET_ASKED,		"asked" },	\
		{ NVME_FENCE_RESET_IMMEDIATE,		"immediate" },	\
		{ NVME_FENCE_RESET_GONE,		"gone" },	\
		{ NVME_FENCE_RESET_ACCEPTED,		"accepted" },	\
		{ NVME_FENCE_RESET_IN_PROGRESS,		"in-progress" }, \
		{ NVME_FENCE_RESET_LOG_FULL,		"log-full" },	\
		{ NVME_FENCE_RESET_LIMIT_EXCEEDED,	"limit-exceeded" }, \
		{ NVME_FENCE_RESET_REFUSED,		"refused" },	\
		{ NVME_FENCE_RESET_FAILED,		"failed" },	\
		{ NVME_FENCE_RESET_NOT_SENT,		"not-sent" },	\
		{ NVME_FENCE_RESET_REPORTED_IN_PROGRESS, "reported-in-progress" }, \
		{ NVME_FENCE_RESET_REPORTED_SUCCESS,	"reported-success" }, \
		{ NVME_FENCE_RESET_REPORTED_FAILED,	"reported-failed" }, \
		{ NVME_FENCE_RESET_REPORTED_INVALID,	"reported-invalid" }, \
		{ NVME_FENCE_RESET_NOT_REPORTED,	"not-reported" }, \
		{ NVME_FENCE_RESET_UNANSWERED,		"unanswered" })

TRACE_EVENT(nvme_fence_lost,
	TP_PROTO(const struct nvme_fence_rec *rec, u16 cntlid, u8 ciu),
	TP_ARGS(rec, cntlid, ciu),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(int, instance)
		__field(u16, cntlid)
		__field(u8, ciu)
	),
	TP_fast_assign(
		__entry->id = rec->id;
		__entry->instance = rec->instance;
		__entry->cntlid = cntlid;
		__entry->ciu = ciu;
	),
	TP_printk("nvme%d record=%llu cntlid=%u ciu=%u",
		  __entry->instance, __entry->id, __entry->cntlid, __entry->ciu)
);

DECLARE_EVENT_CLASS(nvme_fence_command,
	TP_PROTO(const struct nvme_fence_rec *rec,
		 const struct nvme_fence_cmd *cmd),
	TP_ARGS(rec, cmd),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, sector)
		__field(u64, age_ns)
		__field(u64, held_bytes)
		__field(int, instance)
		__field(dev_t, dev)
		__field(u32, bytes)
		__field(u32, held)
		__field(u16, status)
		__field(u8, op)
	),
	TP_fast_assign(
		__entry->id = rec->id;
		__entry->sector = cmd->sector;
		__entry->age_ns = cmd->age_ns;
		__entry->held_bytes = rec->held_bytes;
		__entry->instance = rec->instance;
		__entry->dev = cmd->dev;
		__entry->bytes = cmd->bytes;
		__entry->held = rec->held;
		__entry->status = cmd->status;
		__entry->op = cmd->op;
	),
	TP_printk("nvme%d record=%llu dev=%d,%d op=%s sector=%llu bytes=%u status=0x%x held=%u held_bytes=%llu age_ns=%llu",
		  __entry->instance, __entry->id, MAJOR(__entry->dev),
		  MINOR(__entry->dev), nvme_fence_show_op(__entry->op),
		  __entry->sector, __entry->bytes, __entry->status,
		  __entry->held, __entry->held_bytes, __entry->age_ns)
);

/* A cancelled command is held, or tracked. */
DEFINE_EVENT(nvme_fence_command, nvme_fence_hold,
	TP_PROTO(const struct nvme_fence_rec *rec,
		 const struct nvme_fence_cmd *cmd),
	TP_ARGS(rec, cmd)
);

DEFINE_EVENT(nvme_fence_command, nvme_fence_track,
	TP_PROTO(const struct nvme_fence_rec *rec,
		 const struct nvme_fence_cmd *cmd),
	TP_ARGS(rec, cmd)
);

/*
 * A new command, or the failure of one, waits, as it touches what is tracked. Neither
 * its status nor its age has to do with that.
 */
DEFINE_EVENT_PRINT(nvme_fence_command, nvme_fence_wait,
	TP_PROTO(const struct nvme_fence_rec *rec,
		 const struct nvme_fence_cmd *cmd),
	TP_ARGS(rec, cmd),
	TP_printk("nvme%d record=%llu dev=%d,%d op=%s sector=%llu bytes=%u held=%u held_bytes=%llu",
		  __entry->instance, __entry->id, MAJOR(__entry->dev),
		  MINOR(__entry->dev), nvme_fence_show_op(__entry->op),
		  __entry->sector, __entry->bytes, __entry->held,
		  __entry->held_bytes)
);

TRACE_EVENT(nvme_fence_deadline,
	TP_PROTO(const struct nvme_fence_rec *rec,
		 const struct nvme_fence_wait *wait),
	TP_ARGS(rec, wait),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, t_last_ns)
		__field(u64, deadline_ns)
		__field(int, instance)
		__field(u32, katt_ms)
		__field(u32, cqt_ms)
		__field(u8, n)
		__field(u8, rule)
		__field(u8, cqt_source)
	),
	TP_fast_assign(
		__entry->id = rec->id;
		__entry->t_last_ns = wait->t_last_ns;
		__entry->deadline_ns = wait->deadline_ns;
		__entry->instance = rec->instance;
		__entry->katt_ms = wait->katt_ms;
		__entry->cqt_ms = wait->cqt_ms;
		__entry->n = wait->n;
		__entry->rule = wait->rule;
		__entry->cqt_source = wait->cqt_source;
	),
	TP_printk("nvme%d record=%llu rule=%s t_last_ns=%llu n=%u katt_ms=%u cqt_ms=%u cqt_source=%s deadline_ns=%llu",
		  __entry->instance, __entry->id,
		  nvme_fence_show_rule(__entry->rule), __entry->t_last_ns,
		  __entry->n, __entry->katt_ms, __entry->cqt_ms,
		  nvme_fence_show_cqt_source(__entry->cqt_source),
		  __entry->deadline_ns)
);

TRACE_EVENT(nvme_fence_evidence,
	TP_PROTO(const struct nvme_fence_rec *rec, u8 evidence),
	TP_ARGS(rec, evidence),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, held_bytes)
		__field(int, instance)
		__field(u32, held)
		__field(u8, evidence)
	),
	TP_fast_assign(
		__entry->id = rec->id;
		__entry->held_bytes = rec->held_bytes;
		__entry->instance = rec->instance;
		__entry->held = rec->held;
		__entry->evidence = evidence;
	),
	TP_printk("nvme%d record=%llu evidence=%s held=%u held_bytes=%llu",
		  __entry->instance, __entry->id,
		  nvme_fence_show_evidence(__entry->evidence),
		  __entry->held, __entry->held_bytes)
);

TRACE_EVENT(nvme_fence_release,
	TP_PROTO(const struct nvme_fence_rec *rec, u8 evidence, u64 held_ns),
	TP_ARGS(rec, evidence, held_ns),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, bytes)
		__field(u64, held_ns)
		__field(int, instance)
		__field(u32, commands)
		__field(u8, evidence)
	),
	TP_fast_assign(
		__entry->id = rec->id;
		__entry->bytes = rec->held_bytes;
		__entry->held_ns = held_ns;
		__entry->instance = rec->instance;
		__entry->commands = rec->held;
		__entry->evidence = evidence;
	),
	TP_printk("nvme%d record=%llu evidence=%s commands=%u bytes=%llu held_ns=%llu",
		  __entry->instance, __entry->id,
		  nvme_fence_show_evidence(__entry->evidence),
		  __entry->commands, __entry->bytes, __entry->held_ns)
);

TRACE_EVENT(nvme_fence_reset,
	TP_PROTO(const struct nvme_fence_rec *rec,
		 const struct nvme_fence_reset *reset),
	TP_ARGS(rec, reset),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, source_id)
		__field(int, instance)
		__field(int, source)
		__field(u16, icid)
		__field(u8, ciu)
		__field(u8, step)
	),
	TP_fast_assign(
		__entry->id = rec->id;
		__entry->source_id = reset->source_id;
		__entry->instance = rec->instance;
		__entry->source = reset->source;
		__entry->icid = reset->icid;
		__entry->ciu = reset->ciu;
		__entry->step = reset->step;
	),
	TP_printk("nvme%d record=%llu source=nvme%d source_record=%llu icid=%u ciu=%u step=%s",
		  __entry->instance, __entry->id, __entry->source,
		  __entry->source_id, __entry->icid, __entry->ciu,
		  nvme_fence_show_reset_step(__entry->step))
);

#endif /* _NVME_FENCE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
