/* SPDX-License-Identifier: Apache-2.0 */
/* What Prometheus would be told, for tests/system/test_metrics.py: `least` of a sensor that has
 * just begun, `most` of one that has counted as far as it can. */
#include <stdio.h>

#include "sensor/gauges.h"

int main(int argc, char **argv)
{
    static struct told_watch sum;
    static struct eve_live live;
    static struct incident_counters inc;
    static struct history_counters past;
    static struct told_feed kept;
    bool most = argc == 2 && strcmp(argv[1], "most") == 0;
    if (!most && (argc != 2 || strcmp(argv[1], "least") != 0))
        return 2;
    if (most) {
        memset(&sum, 0xff, sizeof(sum));
        memset(&live, 0xff, sizeof(live));
        memset(&inc, 0xff, sizeof(inc));
        memset(&past, 0xff, sizeof(past));
        memset(&kept, 0xff, sizeof(kept));
        sum.newest = sum.mail = INT64_MAX;
    }
    struct span page = gauges_write(1700000000 * NS_PER_S, &sum, &live, &inc, &past, &kept);
    return fwrite(page.p, 1, page.n, stdout) == page.n ? 0 : 1;
}
