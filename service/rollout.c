/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A track is gated as long as too few servers have proven its certificate, or one that refused it before has not been
 * tried again. Behind a gate only the next canary may begin, and only while no other one runs.
 */
#include "service/rollout.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rollout_leg {
	size_t track;
	enum rollout_past past;
	bool goes;   /* once its stop has begun: its certificate was not stopped by then */
	bool canary; /* once its stop has begun: it is one for this certificate */
};

struct rollout_place {
	size_t stop;
	enum rollout_past past;
};

bool rollout_init(struct rollout *rollout, size_t tracks, struct error *err)
{
	*rollout = (struct rollout){.tracks = calloc(tracks ? tracks : 1, sizeof(*rollout->tracks))};
	rollout->track_count = tracks;
	return rollout->tracks != NULL || error_oom(err);
}

void rollout_done(struct rollout *rollout)
{
	for (size_t i = 0; i < rollout->stop_count; i++)
		free(rollout->stops[i].legs);
	for (size_t i = 0; rollout->tracks != NULL && i < rollout->track_count; i++)
		free(rollout->tracks[i].places);
	free(rollout->stops);
	free(rollout->tracks);
	*rollout = (struct rollout){0};
}

/* --- What there is to do --- */

static bool find_stop(struct rollout *rollout, const char *server, size_t *ret, struct error *err)
{
	for (size_t i = 0; i < rollout->stop_count; i++) {
		if (str_equal(rollout->stops[i].server, server)) {
			*ret = i;
			return true;
		}
	}
	struct rollout_stop *grown = reallocarray(rollout->stops, rollout->stop_count + 1, sizeof(*grown));
	if (grown == NULL)
		return error_oom(err);
	rollout->stops = grown;
	grown[rollout->stop_count] = (struct rollout_stop){.server = server};
	*ret = rollout->stop_count++;
	return true;
}

bool rollout_add(struct rollout *rollout, const char *server, size_t track, enum rollout_past past, size_t *ret_stop,
		 size_t *ret_leg, struct error *err)
{
	struct rollout_track *its = &rollout->tracks[track];
	size_t index = 0;

	if (!find_stop(rollout, server, &index, err))
		return false;
	struct rollout_stop *stop = &rollout->stops[index];
	struct rollout_leg *legs = reallocarray(stop->legs, stop->count + 1, sizeof(*legs));
	if (legs == NULL)
		return error_oom(err);
	stop->legs = legs;
	struct rollout_place *places = reallocarray(its->places, its->place_count + 1, sizeof(*places));
	if (places == NULL)
		return error_oom(err);
	its->places = places;
	legs[stop->count] = (struct rollout_leg){.track = track, .past = past};
	places[its->place_count++] = (struct rollout_place){index, past};
	stop->last = stop->last || past == ROLLOUT_UNREACHED;
	its->retrying += past == ROLLOUT_REFUSED;
	*ret_stop = index;
	*ret_leg = stop->count++;
	return true;
}

void rollout_has(struct rollout *rollout, size_t track)
{
	rollout->tracks[track].proven++;
}

static void count_refusal(struct rollout_track *track, const char *server, int64_t retry_at)
{
	enum { NAMED = 3 };
	size_t len = strlen(track->culprits);
	if (track->refused < NAMED)
		(void)snprintf(track->culprits + len, sizeof(track->culprits) - len, "%s%s", len > 0 ? ", " : "",
			       server);
	track->refused++;
	if (retry_at != 0 && (track->retry_at == 0 || retry_at < track->retry_at))
		track->retry_at = retry_at;
}

void rollout_is_held(struct rollout *rollout, size_t track, const char *server, int64_t retry_at)
{
	count_refusal(&rollout->tracks[track], server, retry_at);
}

/* --- Who is next --- */

static bool is_stopped(const struct rollout_track *track)
{
	return track->ruled && track->refused > track->max_failures;
}

static bool is_gated(const struct rollout_track *track)
{
	return track->ruled && (track->proven < track->canary || track->retrying > 0);
}

/* Those that refused it before come first, those that could not be reached last. */
static bool is_next_canary(const struct rollout *rollout, const struct rollout_track *track, size_t stop)
{
	static const enum rollout_past order[] = {ROLLOUT_REFUSED, ROLLOUT_NOTHING, ROLLOUT_UNREACHED};
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		for (size_t j = 0; j < track->place_count; j++) {
			const struct rollout_place *place = &track->places[j];
			if (place->past == order[i] && rollout->stops[place->stop].state == STOP_WAITING)
				return place->stop == stop;
		}
	}
	return false;
}

static bool may_begin(const struct rollout *rollout, size_t index)
{
	const struct rollout_stop *stop = &rollout->stops[index];
	bool gated = false, canary = false;

	for (size_t i = 0; i < stop->count; i++) {
		const struct rollout_track *track = &rollout->tracks[stop->legs[i].track];
		if (is_stopped(track) || !is_gated(track))
			continue;
		if (track->canaries > 0)
			return false;
		gated = true;
		canary = canary || is_next_canary(rollout, track, index);
	}
	return !gated || canary;
}

static void begin(struct rollout *rollout, struct rollout_stop *stop)
{
	stop->state = STOP_RUNNING;
	for (size_t i = 0; i < stop->count; i++) {
		struct rollout_leg *leg = &stop->legs[i];
		struct rollout_track *track = &rollout->tracks[leg->track];
		leg->goes = !is_stopped(track);
		leg->canary = leg->goes && is_gated(track);
		track->canaries += leg->canary;
	}
}

bool rollout_waiting(struct rollout *rollout)
{
	while (rollout->first_waiting < rollout->stop_count &&
	       rollout->stops[rollout->first_waiting].state != STOP_WAITING)
		rollout->first_waiting++;
	return rollout->first_waiting < rollout->stop_count;
}

bool rollout_next(struct rollout *rollout, size_t *ret_stop)
{
	if (!rollout_waiting(rollout))
		return false;
	for (int last = 0; last <= 1; last++) {
		for (size_t i = rollout->first_waiting; i < rollout->stop_count; i++) {
			struct rollout_stop *stop = &rollout->stops[i];
			if (stop->state != STOP_WAITING || stop->last != (last == 1) || !may_begin(rollout, i))
				continue;
			begin(rollout, stop);
			*ret_stop = i;
			return true;
		}
	}
	return false;
}

bool rollout_leg_goes(const struct rollout *rollout, size_t stop, size_t leg)
{
	return rollout->stops[stop].legs[leg].goes;
}

enum rollout_leave rollout_may_change(struct rollout *rollout, size_t index)
{
	struct rollout_stop *stop = &rollout->stops[index];
	bool goes = false, waits = false;

	for (size_t i = 0; i < stop->count; i++) {
		const struct rollout_leg *leg = &stop->legs[i];
		const struct rollout_track *track = &rollout->tracks[leg->track];
		if (!leg->goes || is_stopped(track))
			continue;
		goes = true;
		waits = waits || (is_gated(track) && track->canaries > 0 && !leg->canary);
	}
	if (!goes || waits)
		return goes ? ROLLOUT_WAIT : ROLLOUT_STOPPED;
	/* One that stood down because it was silent for long may be the canary after all. */
	for (size_t i = 0; i < stop->count; i++) {
		struct rollout_leg *leg = &stop->legs[i];
		struct rollout_track *track = &rollout->tracks[leg->track];
		if (!leg->goes || is_stopped(track) || !is_gated(track) || leg->canary)
			continue;
		leg->canary = true;
		track->canaries++;
	}
	return ROLLOUT_GO;
}

void rollout_stopped(const struct rollout *rollout, size_t index, struct error *err)
{
	const struct rollout_stop *stop = &rollout->stops[index];
	for (size_t i = 0; i < stop->count && !error_is_set(err); i++) {
		if (stop->legs[i].goes)
			rollout_not_tried(&rollout->tracks[stop->legs[i].track], err);
	}
}

/* It is a canary no more, and has not been tried again either. */
static void stand_down(struct rollout *rollout, struct rollout_leg *leg)
{
	struct rollout_track *track = &rollout->tracks[leg->track];

	if (leg->past == ROLLOUT_REFUSED)
		track->retrying--;
	leg->past = ROLLOUT_NOTHING;
	track->canaries -= leg->canary;
	leg->canary = false;
}

void rollout_stalls(struct rollout *rollout, size_t stop)
{
	for (size_t i = 0; i < rollout->stops[stop].count; i++)
		stand_down(rollout, &rollout->stops[stop].legs[i]);
}

void rollout_leg_ended(struct rollout *rollout, size_t stop, size_t leg, enum rollout_end end, int64_t retry_at)
{
	struct rollout_leg *ended = &rollout->stops[stop].legs[leg];
	struct rollout_track *track = &rollout->tracks[ended->track];

	rollout->stops[stop].state = STOP_ENDED;
	stand_down(rollout, ended);
	if (!ended->goes)
		return;
	if (end == ROLLOUT_DONE)
		track->proven++;
	else if (end == ROLLOUT_END_REFUSED)
		count_refusal(track, rollout->stops[stop].server, retry_at);
}

void rollout_not_tried(const struct rollout_track *track, struct error *err)
{
	if (track->refused == 1)
		(void)error_set(err, ERROR_REMOTE, "rollout", "not tried: the rollout stopped when %s failed",
				track->culprits);
	else
		(void)error_set(err, ERROR_REMOTE, "rollout",
				"not tried: the rollout stopped when %zu servers failed (%s%s)", track->refused,
				track->culprits, track->refused > 3 ? ", …" : "");
	error_hint(err, "the next run goes on where this one stopped: first with what failed, then, when that works, "
			"with the rest");
	err->retry_at = track->retry_at;
	err->transient = true;
}
