/* SPDX-License-Identifier: MIT */
/* Faults of the simulated wire that a test asks for: by the name of a place, or of one connection. */
#include <weft/testing_stream.h>

#include "wire.h"

/* errors: EINVAL, ENOMEM. */
static weft_err place_of(weft_sim *sim, const char *text, wire_place **out)
{
    weft_url url;
    weft_address address;
    weft_err err = weft_url_parse(text, &url, NULL);
    if (err != WEFT_OK || url.scheme != WEFT_SCHEME_SIM)
        return WEFT_EINVAL;
    err = wf_wire_address(&address, url.host.name, url.host.port, NULL);
    if (err != WEFT_OK)
        return err;
    *out = wf_wire_place(sim, &address);
    return *out != NULL ? WEFT_OK : WEFT_ENOMEM;
}

/* NULL: it is not, or no longer, an end of a link. */
static wire_link *link_of(weft_sim *sim, weft_ref stream)
{
    for (wire_link *link = wf_wire_links(sim); link != NULL; link = link->next)
        for (int i = 0; i < 2; i++)
            if (link->end[i].c != NULL && weft_ref_same(link->end[i].stream, stream) &&
                link->end[i].reactor >> 8 == weft_sim_place(0) >> 8)
                return link;
    return NULL;
}

/* Who connects has seen the outcome: before, there is nothing to be lost. */
static bool is_up(const wire_link *link)
{
    return link->answered && !link->refused && weft_arrive_wait_ms(&link->opening) == UINT32_MAX;
}

static void drop(wire_link *link)
{
    wf_wire_note(link, "fault: dropped");
    for (int i = 0; i < 2; i++)
        if (!link->end[i].closed)
            wf_wire_lose(&link->end[i]);
}

weft_err weft_sim_drop(weft_sim *sim, const char *url, unsigned *dropped)
{
    wire_place *place;
    unsigned n = 0;
    weft_err err = place_of(sim, url, &place);
    if (err != WEFT_OK)
        return err;
    for (wire_link *link = wf_wire_links(sim); link != NULL; link = link->next)
        if (link->place == place && is_up(link)) {
            drop(link);
            n++;
        }
    if (dropped != NULL)
        *dropped = n;
    return WEFT_OK;
}

weft_err weft_sim_drop_stream(weft_sim *sim, weft_ref stream)
{
    wire_link *link = link_of(sim, stream);
    if (link == NULL || !is_up(link))
        return WEFT_EGONE;
    drop(link);
    return WEFT_OK;
}

weft_err weft_sim_delay(weft_sim *sim, const char *url, uint32_t ms)
{
    wire_place *place;
    weft_err err = place_of(sim, url, &place);
    if (err == WEFT_OK)
        place->delay_ms = ms;
    return err;
}

weft_err weft_sim_delay_stream(weft_sim *sim, weft_ref stream, uint32_t ms)
{
    wire_link *link = link_of(sim, stream);
    if (link == NULL)
        return WEFT_EGONE;
    link->delay_ms = ms;
    return WEFT_OK;
}

weft_err weft_sim_partition(weft_sim *sim, const char *url, uint32_t ms)
{
    wire_place *place;
    weft_err err = place_of(sim, url, &place);
    if (err != WEFT_OK)
        return err;
    place->cut_until = weft_sim_now(weft_sim_world(sim)) + ms;
    for (wire_link *link = wf_wire_links(sim); link != NULL; link = link->next)
        if (link->place == place) {
            wf_wire_note(link, "fault: cut off for %u ms", ms);
            wf_wire_hold(link, place->cut_until);
        }
    return WEFT_OK;
}

/* ---- of whole systems */

/* Whether an end of @link, or the place it goes to, is of the system @member. */
static bool is_of(const wire_link *link, unsigned member)
{
    return link->end[0].reactor >> 8 == member || link->place->member == member;
}

weft_err weft_sim_isolate(weft_sim *sim, uint32_t ms)
{
    weft_sim *world = weft_sim_world(sim);
    unsigned member = weft_sim_member(sim);
    wire_island *island = wf_wire_island(world, member);
    if (island == NULL)
        return WEFT_ENOMEM;
    island->cut_until = weft_sim_now(world) + ms;
    for (wire_link *link = wf_wire_links(world); link != NULL; link = link->next)
        if (is_of(link, member)) {
            wf_wire_note(link, "fault: an island for %u ms", ms);
            wf_wire_hold(link, wf_wire_cut_until(link));
        }
    return WEFT_OK;
}

/* As the kernel does it for a process that is gone: its peers are sent resets. */
static void cut_ends(wire_link *link, unsigned member)
{
    for (int i = 0; i < 2; i++) {
        wire_end *e = &link->end[i], *peer = &link->end[1 - i];
        if (e->c == NULL || e->reactor >> 8 != member || e->lost)
            continue;
        wf_wire_lose(e);
        if (peer->c == NULL || peer->reactor >> 8 != member)
            wf_wire_send_kind(peer, WIRE_RESET);
    }
}

unsigned weft_sim_crash(weft_sim **sim)
{
    if (*sim == NULL)
        return 0;
    unsigned member = weft_sim_member(*sim);
    for (wire_link *link = wf_wire_links(weft_sim_world(*sim)); link != NULL; link = link->next)
        cut_ends(link, member);
    return weft_sim_cut_off(sim);
}
