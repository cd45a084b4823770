/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/config_yaml.h"

#include <stdio.h>
#include <yaml.h>

#include "base/caps.h"
#include "base/text.h"

#define LEAST_KEY 16 /* room for one, and be it cut */

struct walk {
    yaml_parser_t parser;
    yaml_event_t event; /* the last one */
    struct span text;
    const struct config_yaml_sink *sink;
    unsigned nodes;
    unsigned depth;
    char path[CAP_CONFIG_KEY]; /* of where we are */
};

const char *config_yaml_library(void)
{
    return yaml_get_version_string();
}

/* --- faults --- */

static int fault(const struct walk *w, size_t line, const char *what)
{
    w->sink->fault(w->sink->user, (unsigned)line + 1, w->path[0] ? w->path : "syntax", what);
    return -1;
}

static int fault_here(const struct walk *w, const char *what)
{
    return fault(w, w->event.start_mark.line, what);
}

/* Does the line begin with blanks and a tab among them? */
static bool has_tab(struct span text, size_t line)
{
    for (; line > 0; line--)
        text = span_from(text, span_find(text, '\n') + 1);
    while (text.n > 0 && text.p[0] == ' ')
        text = span_from(text, 1);
    return text.n > 0 && text.p[0] == '\t';
}

static int fault_syntax(const struct walk *w)
{
    const yaml_parser_t *p = &w->parser;
    char what[200];
    if (p->error == YAML_MEMORY_ERROR)
        return fault(w, p->mark.line, "out of memory");
    if (has_tab(w->text, p->problem_mark.line))
        return fault(w, p->problem_mark.line, "a tab at the begin of the line: use blanks");
    snprintf(what, sizeof(what), "%s%s%s", p->context ? p->context : "", p->context ? ": " : "",
             p->problem ? p->problem : "is not YAML");
    return fault(w, p->problem_mark.line, what);
}

/* --- events --- */

/* What could make a short file a large one, or a word something else than it looks like. */
static int check_event(const struct walk *w)
{
    const yaml_event_t *e = &w->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_ALIAS_EVENT)
        return fault_here(w, "an alias (*NAME) is not read here: write it out");
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor)
        return fault_here(w, "an anchor (&NAME) is not read here; put the value between quotes");
    return tag ? fault_here(w, "a tag (!NAME) is not read here; put the value between quotes") : 0;
}

static int next(struct walk *w)
{
    yaml_event_delete(&w->event);
    if (!yaml_parser_parse(&w->parser, &w->event))
        return fault_syntax(w);
    if (++w->nodes > CAP_CONFIG_NODES)
        return fault_here(w, "the file has too many words");
    return check_event(w);
}

/* Past one, of which we know what it is, to the one behind it. */
static int next_but_one(struct walk *w)
{
    return next(w) ? -1 : next(w);
}

static bool begins(const struct walk *w)
{
    return w->event.type == YAML_MAPPING_START_EVENT || w->event.type == YAML_SEQUENCE_START_EVENT;
}

static bool ends(const struct walk *w)
{
    return w->event.type == YAML_MAPPING_END_EVENT || w->event.type == YAML_SEQUENCE_END_EVENT;
}

static int go_down(struct walk *w)
{
    if (++w->depth > CAP_CONFIG_DEPTH)
        return fault_here(w, "is nested too deep");
    return 0;
}

static struct span scalar(const struct walk *w)
{
    return span_of(w->event.data.scalar.value, w->event.data.scalar.length);
}

static bool is_nothing(const struct walk *w)
{
    struct span text = scalar(w);
    return w->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text.n == 0 || span_eq(text, span_str("~")) || span_eq(text, span_str("null")));
}

/* --- the walk --- */

static bool tell(struct walk *w, enum config_node_kind kind, size_t line)
{
    struct config_node node = {.kind = kind, .path = w->path, .line = (unsigned)line + 1};
    if (kind == CONFIG_NODE_ITEM || kind == CONFIG_NODE_VALUE)
        node.text = scalar(w);
    return w->sink->node(w->sink->user, &node);
}

/* To the end of what has begun. */
static int skip(struct walk *w)
{
    unsigned bottom = w->depth;
    if (go_down(w))
        return -1;
    while (w->depth > bottom) {
        if (next(w))
            return -1;
        if (begins(w) && go_down(w))
            return -1;
        w->depth -= ends(w);
    }
    return 0;
}

static int read_list(struct walk *w)
{
    if (go_down(w))
        return -1;
    for (;;) {
        if (next(w))
            return -1;
        if (ends(w)) {
            w->depth--;
            return 0;
        }
        if (begins(w)) {
            tell(w, CONFIG_NODE_SECTION, w->event.start_mark.line);
            if (skip(w))
                return -1;
            continue;
        }
        tell(w, is_nothing(w) ? CONFIG_NODE_NOTHING : CONFIG_NODE_ITEM, w->event.start_mark.line);
    }
}

static int read_mapping(struct walk *w);

/* What stands behind a key. */
static int read_value(struct walk *w, size_t line)
{
    if (next(w))
        return -1;
    if (w->event.type == YAML_MAPPING_START_EVENT)
        return tell(w, CONFIG_NODE_SECTION, line) ? read_mapping(w) : skip(w);
    if (w->event.type == YAML_SEQUENCE_START_EVENT)
        return tell(w, CONFIG_NODE_LIST, line) ? read_list(w) : skip(w);
    tell(w, is_nothing(w) ? CONFIG_NODE_NOTHING : CONFIG_NODE_VALUE, line);
    return 0;
}

/* Adds the key to the path. */
static int take_key(struct walk *w)
{
    size_t n = strlen(w->path);
    if (w->event.type != YAML_SCALAR_EVENT)
        return fault_here(w, "a key is a word");
    struct span key = scalar(w).n > 0 ? scalar(w) : span_str("''"); /* a path has no empty part */
    if (n + LEAST_KEY >= sizeof(w->path)) /* one that is cut ends in dots: there is none like it */
        return fault_here(w, "a key is longer than any that there is");
    if (n > 0)
        w->path[n++] = '.';
    text_escape(w->path + n, sizeof(w->path) - n, key);
    return 0;
}

static int read_mapping(struct walk *w)
{
    size_t n = strlen(w->path);
    if (go_down(w))
        return -1;
    for (;;) {
        if (next(w))
            return -1;
        if (ends(w)) {
            w->depth--;
            return 0;
        }
        if (take_key(w) || read_value(w, w->event.start_mark.line))
            return -1;
        w->path[n] = '\0';
    }
}

/* STREAM-START, then nothing or one document, then STREAM-END. */
static int read_stream(struct walk *w)
{
    if (next_but_one(w))
        return -1;
    if (w->event.type == YAML_STREAM_END_EVENT)
        return 0;
    if (next(w))
        return -1;
    if (w->event.type == YAML_MAPPING_START_EVENT) {
        if (read_mapping(w))
            return -1;
    } else if (w->event.type != YAML_SCALAR_EVENT || !is_nothing(w)) {
        return fault_here(w, "the file has no sections (SECTION:, and below it KEY: VALUE)");
    }
    if (next_but_one(w)) /* the end of the document */
        return -1;
    if (w->event.type != YAML_STREAM_END_EVENT)
        return fault_here(w, "a second document (---): one file has one");
    return 0;
}

int config_yaml_read(struct span text, const struct config_yaml_sink *sink)
{
    struct walk w = {.text = text, .sink = sink};
    int rc;
    if (!yaml_parser_initialize(&w.parser))
        return fault(&w, 0, "out of memory");
    yaml_parser_set_encoding(&w.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&w.parser, text.p ? text.p : (const uint8_t *)"", text.n);
    rc = read_stream(&w);
    yaml_event_delete(&w.event);
    yaml_parser_delete(&w.parser);
    return rc;
}
