/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cap of the program, each with its reason. An attacker chooses our input, so whatever grows
 * with the input has its limit here; hitting one is a counted fact and never silence.
 */
#ifndef BASE_CAPS_H
#define BASE_CAPS_H

/* --- frames and packets --- */
#define CAP_VLAN_DEPTH       4     /* QinQinQ is seen; more tags are an attack on the loop */
#define CAP_TUNNEL_DEPTH     4     /* VXLAN over MPLS, mirrored by ERSPAN, and one more */
#define CAP_MPLS_LABELS      16    /* of one stack: segment routing pushes up to ten or so */
#define CAP_IPV6_EXT_HEADERS 8     /* RFC 8200 lists seven kinds, each once but one */
#define CAP_FRAG_TRACKERS    256   /* datagrams being reassembled at once; the oldest gives way */
#define CAP_FRAG_BYTES       65535 /* an IP datagram has no more (RFC 791) */
#define CAP_FRAG_PIECES      64    /* pieces of one datagram: an MTU of 1,280 needs 52 */
#define CAP_FRAG_SECONDS     30    /* RFC 791 proposes 15 s, Linux waits 30 s */

/* --- flows --- */
#define CAP_FLOWS      1048576 /* default hard cap of the flow slab (option) */
#define CAP_MEMORY_MIB 256     /* resident memory that is not passed (option) */
/* Of those for flows: not what program, tables and buffers take, nor the eighth that an allocator
 * cannot use between pieces of many sizes. */
#define CAP_MEMORY_FLOWS(mib) ((size_t)((mib) - (mib) / 8 - 44) << 20)
#define CAP_UNPACKED_PART     5     /* a fifth of the flows' memory for those that are not packed */
#define CAP_HALF_OPEN         65536 /* table of bare SYNs: overwritten, never grown */
#define CAP_FLOW_IDLE_S       600   /* RFC 5321 4.5.3.2: the longest client wait is 10 minutes */
#define CAP_FLOW_CLOSED_S     5     /* after FIN both ways or RST: time for reordered leftovers */
#define CAP_FLOW_RESET_S      60    /* after an RST, which may be forged: time to go on */
#define CAP_PORTS             16    /* mail ports that can be configured */
#define CAP_SYN_OPTIONS       8 /* of a SYN/ACK's options: macOS fills them with END, Linux has 6 */

/* --- reassembly --- */
#define CAP_HELD_SEGMENTS   256   /* held in a direction: 64 places of reordering, four times */
#define CAP_HELD_BYTES      65536 /* and their bytes: one unscaled TCP window */
#define CAP_HELD_POOL_BYTES (64u << 20) /* all flows together */
#define CAP_EVIDENCE_BYTES  8192        /* kept of a direction's dialogue before TLS or mail */
#define CAP_EVIDENCE_TURNS  256         /* changes of the speaker, or of what he had heard */
#define CAP_EVIDENCE_COPIES 8           /* copies with other bytes that are kept of a session */
#define CAP_EVIDENCE_POOL   (32u << 20) /* all flows together */
#define CAP_CONFLICTS       4           /* differing copies told of one session; all are counted */
#define CAP_TAMPER          6           /* and one reset, and one handshake */
#define CAP_REORDER_PACKETS                                                                        \
    128                    /* packets of the capture that a hole may wait for a straggler          \
                              once the receiver has acknowledged it: twice the 64 that a           \
                              mirror port was seen to reorder by */
#define CAP_HOLE_SECONDS 5 /* a hole nobody acknowledged waits for this long */

/* --- prints of hellos --- */
#define CAP_PRINT_CLIENTS 256 /* remembered: kinds of senders that one network hears in turns */
#define CAP_PRINT_SERVERS 256 /* likewise, the answers of servers to them */
#define CAP_PRINT_CLIENT_KEY                                                                       \
    512 /* what enters a client's prints: 200 bytes by OpenSSL's defaults, twice that with every   \
           suite; longer ones are printed each time */
#define CAP_PRINT_SERVER_KEY 64 /* likewise: servers answer with six extensions at most */

/* --- SMTP --- */
#define CAP_REPLY_LINE       4096  /* RFC 5321 4.5.3.1.5 says 512; extensions exceed it */
#define CAP_REPLY_LINES      64    /* lines of one reply that are kept; the longest seen has 40 */
#define CAP_COMMAND_LINE     1024  /* RFC 5321 says 512, each extension may add */
#define CAP_AUTH_LINE        12288 /* RFC 4954 section 4 */
#define CAP_RECIPIENTS       100   /* RFC 5321 4.5.3.1.8: the number every server must take */
#define CAP_PENDING_COMMANDS 128   /* pipelined commands waiting for a reply: 100 RCPT and more */
#define CAP_ODD_COMMANDS     4     /* unknown verbs kept for the rules */
#define CAP_TEXT_POOL        32768 /* bytes of text kept for one session */
#define CAP_KEYWORD_TEXT     96    /* bytes kept of one line of the EHLO reply */
#define CAP_BANNER_TEXT      256   /* bytes kept of banner, HELO name and reply texts */
#define CAP_DOMAIN_TEXT      255   /* RFC 1035 section 2.3.4 */
#define CAP_ADDRESS_TEXT     320   /* 64 + @ + 255, RFC 5321 section 4.5.3.1 */

/* --- TLS --- */
#define CAP_TLS_HELLO     8192  /* bytes of one; with post-quantum shares it has some 2,000 */
#define CAP_TLS_HANDSHAKE 65536 /* bytes read of one, both directions: a chain has some 5,000 */

/* --- policies --- */
#define CAP_STS_BODY   65536 /* RFC 8461 section 3.3: senders may limit the body to 64 KiB */
#define CAP_STS_MX     512   /* patterns of one policy; of 132 real ones none has more than 12 */
#define CAP_STS_REASON 256   /* what is wrong with a policy: one line */
#define CAP_STS_ID     32    /* RFC 8461 section 3.1 */
#define CAP_TXT_RUA    16    /* report addresses kept of one record */

/* --- certificates --- */
#define CAP_CERT_CHAIN        10    /* of one chain that are read: real ones have two to four */
#define CAP_CERT_BYTES        32768 /* and their bytes: a hundred of the longest names fit */
#define CAP_CERT_NAMES        100   /* dNSNames kept: the most that the largest CA writes in one */
#define CAP_CERT_NAME         255   /* bytes of each: no host has more (RFC 1035 section 2.3.4) */
#define CAP_CERT_TEXT         512  /* bytes of subject and issuer; the longest real have some 300 */
#define CAP_CERT_SERIAL       20   /* bytes shown of a serial number (RFC 5280 section 4.1.2.2) */
#define CAP_CERT_CACHED       1024 /* chains remembered: servers that most sites talk to */
#define CAP_CERT_CACHED_BYTES (8u << 20) /* and what they take: 5 KiB each, 30 with every name */
#define CAP_CERT_USUAL        8192 /* bytes of a chain: a larger one counts for several below */
#define CAP_CERT_BURST        1000 /* new chains read at once, 1 ms each, of empty names 3 ms */
#define CAP_CERT_RATE         100  /* and a second later on: a tenth of the time */
#define CAP_CERT_RSA_BITS     8192 /* keys that signatures are checked with: those of a stranger */
#define CAP_CERT_EC_BITS      521
#define CAP_CERT_DSA_BITS     3072 /* choose how long that takes */
#define CAP_CERT_STEPS        5    /* and signatures of one chain: 2 ms each at the worst */
#define CAP_CERT_EXPONENT     32   /* bits of the public exponent; everybody's is 65537 */

/* --- DNS --- */
#define CAP_DNS_RECORDS      64    /* kept of one message: 20 MX, two addresses of each, and some */
#define CAP_DNS_TEXT         16384 /* names and data of one message: four times EDNS's usual size */
#define CAP_DNS_JUMPS        127   /* pointers of a name: one for each label that it can have */
#define CAP_DNS_QUERIES      8192  /* remembered: 270 a second while an answer may be late */
#define CAP_DNS_ANSWERS      4     /* to one query that are told apart: forgery needs two */
#define CAP_DNS_WAIT_S       5     /* clients ask again after 2 to 5 s (RFC 1035 section 4.2.1) */
#define CAP_DNS_LATE_S       30    /* an answer later than that is none to this query */
#define CAP_DNS_STREAMS      1024  /* directions of TCP; a connection is for some questions */
#define CAP_DNS_STREAM_BYTES (1u << 20) /* of unfinished messages: sixteen of the largest */
#define CAP_FETCHES          256        /* of policies under way; as many messages not whole yet */
#define CAP_FETCH_WAIT_S     30 /* fetchers wait for 4 to 60 s (RFC 8461 section 3.3: a minute) */
#define CAP_DNS_STREAM_S     30 /* RFC 7766 section 6.2.3: some seconds of silence */

/* --- store --- */
#define CAP_STORE_KEY 400 /* a domain has 255, and two words and a time stand beside it */
#define CAP_STORE_VALUE                                                                            \
    131072 /* a policy body has 65,536 (RFC 8461 section 3.3), and its record                      \
            */
#define CAP_STORE_DELTAS    1024        /* of one flush: what Redis does at one go, under 10 ms */
#define CAP_STORE_MEMORY    (32u << 20) /* of the store in memory: 10,000 domains */
#define CAP_STORE_QUEUE     (8u << 20)  /* waiting for Redis */
#define CAP_STORED_LATER    (4u << 20)  /* policies that wait to hear what Redis has of them */
#define CAP_STORE_REPLY     (4u << 20)  /* one reply of Redis: a counter of 10,000 fields */
#define CAP_STORE_ELEMENTS  65536       /* of one reply */
#define CAP_STORE_ADDRESSES 8           /* of the name of a Redis server */
#define CAP_STORE_WINDOW    64          /* commands sent and not yet answered */
#define CAP_STORE_FLUSH_S                                                                          \
    604800                     /* a flush id is known for a week: a server may be away so long     \
                                */
#define CAP_STORE_BACKOFF_S 30 /* between two attempts to connect, at most */

#define CAP_PARTNER_ISSUER                                                                         \
    64                       /* bytes of an organisation that a partner is held to (RFC 5280 A.1) */
#define CAP_EXPECTATIONS 8   /* promises judged of one session: the strictest */
#define CAP_BOOK_HISTORY 128 /* policies kept of one domain: 90 days, with a change a day */
#define CAP_ROUTES       65536 /* answers of DNS that are remembered: some 8 MiB */
#define CAP_ROUTES_KEY   64    /* hosts of one address, domains of one exchanger: no long search */
#define CAP_ROUTES_TLSA  16    /* records of one host: two for each of its certificates */
#define CAP_ROUTES_TO    16    /* domains looked at that led to one address */
#define CAP_BOOK_SHARED  64    /* domains looked at that name one mail exchanger */

/* Asking the network (policy/lookup.h, policy/asking.h). */
#define CAP_LOOKUP_MX        32     /* exchangers looked at of one domain; senders try no more */
#define CAP_LOOKUP_ADDRESSES 8      /* kept of one exchanger */
#define CAP_LOOKUP_TEXT      256    /* what was wrong, who issued: one line */
#define CAP_LOOKUP_REPORT    1024   /* bytes of a TLSRPT record: sixteen addresses of reports */
#define CAP_LOOKUP_LINE      262144 /* one as JSON: a body of 64 KiB, each byte escaped, and more */
#define CAP_EXCHANGERS       8192   /* validated mail exchangers of domains: 12 MiB, at worst 20 */
#define CAP_ASKING_FLIGHT    8      /* look-ups at a time */
#define CAP_ASKING_MINUTE    300    /* and in a minute */
#define CAP_ASKING_QUEUE     1000   /* domains that wait */
#define CAP_ASKING_KNOWN     65536  /* domains of which it is known when to ask again */

/* --- policies over HTTPS --- */
#define CAP_HTTPS_FLIGHT    32  /* fetches at a time; four times what the queue lets fly */
#define CAP_HTTPS_HEADERS   256 /* lines of one answer, 1xx and trailers included: hosts send 30 */
#define CAP_HTTPS_HEADER    65536 /* and their bytes: as many as of the body */
#define CAP_HTTPS_ADDRESSES 8     /* of one policy host that are tried */
#define CAP_HTTPS_TYPE      96    /* bytes of a content type */

/* --- questions of DNS --- */
#define CAP_RESOLVE_FLIGHT   1024 /* at a time: eight domains with all their exchangers */
#define CAP_RESOLVE_FORWARDS 8    /* resolvers that are asked in turn */
#define CAP_DOT_FLIGHT       4096 /* questions of one over TLS; a power of two */

/* --- history --- */
#define CAP_HISTORY_SERVERS 32768 /* servers remembered at a time, 1.3 KiB each: 42 MiB */
#define CAP_HISTORY_CLIENTS 40    /* of one server that are told apart: three make a memory good */
#define CAP_HISTORY_LAYOUTS 4096  /* replies to EHLO of all servers: software, version, settings */
#define CAP_HISTORY_ISSUER  64    /* bytes of an issuer's organisation (RFC 5280 A.1) */
#define CAP_HISTORY_SENDERS 16384 /* names that deliver mail here or go out from here */
#define CAP_HISTORY_HELLOS  32 /* kinds of one sender that are kept: a farm has several programs */
#define CAP_HISTORY_PAIRS   32768 /* clients and servers that failed lately, or held mail */
#define CAP_HISTORY_RETURNS                                                                        \
    1024                        /* clients that sent in clear just now, and may explain why later */
#define CAP_HISTORY_KNOCKS 4096 /* clients, and servers, of connections that came not about */
#define CAP_HISTORY_FARMS  8192 /* owners of servers */
#define CAP_HISTORY_PATHS  4096 /* client networks behind as many next hops */
#define CAP_HISTORY_DOUBTS 1024 /* servers that deviate and are not decided upon */
#define CAP_HISTORY_STOPS  512  /* senders that may have stopped upgrading, 2.5 KiB each */
#define CAP_HISTORY_VANTAGES                                                                       \
    64 /* taps of all sensors that share a store; of one server BASELINE_VANTAGES are remembered   \
        */
#define CAP_HISTORY_VANTAGE 63   /* bytes of such a name */
#define CAP_HISTORY_CASES   4    /* sessions of one such server that are told of later */
#define CAP_HISTORY_NOTE    512  /* bytes that the judge wants back for one of them */
#define CAP_HISTORY_NOVEL   256  /* new things of one server that are kept in a month's counter */
#define CAP_HISTORY_TRIED   768  /* attempts of one pair that are kept in it: one in half an hour */
#define CAP_HISTORY_DOUBTED 8    /* doubts of one server that are kept, as long as pairs are */
#define CAP_HISTORY_FIELDS  4096 /* of one server that are read: many sensors may have written */

/* --- incidents --- */
#define CAP_INCIDENTS      4096 /* known at a time, 1 KiB each: eighty hours of as many as open */
#define CAP_INCIDENT_PEERS 64   /* servers, and senders, of one that are told apart */
#define CAP_INCIDENT_MEMO  6    /* incidents that one session is part of: a group of rules each */
#define CAP_LINKED         4    /* earlier sessions that a finding names: tries before the last */
#define CAP_SUPPRESSIONS   1024 /* the operator's entries: findings are held against each */

/* --- spool and sinks --- */
#define CAP_SPOOL_BODY      CAP_JSON_LINE /* of a record: a line of ours is never longer */
#define CAP_SPOOL_SEGMENT   (4u << 20)    /* a file: rewritten in some 20 ms when one must shrink */
#define CAP_SPOOL_QUOTA     (256u << 20) /* all files (option): 250,000 alerts with their reasons */
#define CAP_SPOOL_QUEUE     (8u << 20)   /* in memory while the disk takes nothing (option) */
#define CAP_SPOOL_SEGMENTS  4096         /* files: quota / segment is 64, damage makes some more */
#define CAP_SPOOL_FILE      (64u << 20)  /* of a file that is taken for ours: it is read whole */
#define CAP_SPOOL_READERS   16           /* sinks that read one spool */
#define CAP_SPOOL_NAME      32           /* bytes of a sink's name */
#define CAP_SPOOL_BATCH     256          /* records offered to a sink at once */
#define CAP_SPOOL_WINDOW    (512u << 10) /* and their bytes: seven of the longest, 500 usual ones */
#define CAP_SPOOL_BACKOFF_S 30           /* between two attempts at a broken disk, at most */
#define CAP_SINK_KEY        256          /* bytes of a key or a channel in Redis */
#define CAP_SINK_RULES      64           /* rules that one sink is not told of */

#define CAP_DAILY_RULES 128 /* of one day's digest; the others are counted as one */
/* Of a line in another format: each byte escaped, or a frame around it. */
#define CAP_SINK_LINE (CAP_SPOOL_BODY + 65536)

/* --- sinks that reach over the network --- */
#define CAP_DELIVER_HEADER    512  /* of RFC 5424: a host of 255 bytes, an id of 32, and the rest */
#define CAP_DELIVER_HOST      255  /* RFC 1035 section 2.3.4 */
#define CAP_DELIVER_URL       1024 /* bytes of an address with its path */
#define CAP_DELIVER_FILE      1048576 /* of a file of certificates: the system's has 220 KiB */
#define CAP_DELIVER_ANSWER    1048576 /* of a receiver's answer: 256 items of a bulk with reasons */
#define CAP_DELIVER_BACKOFF_S 30      /* between two attempts, at most */
#define CAP_DELIVER_HOLD_S    300     /* and when the receiver asks for it (Retry-After) */
#define CAP_DELIVER_UNACKED   64      /* requests that an indexer has not acknowledged yet */
#define CAP_DELIVER_FLIGHT    1024    /* records that Kafka has not acknowledged yet */

/* --- reports --- */
#define CAP_EVENT_LINE   1048576 /* bytes of a line of EVE: ours have 64 KiB at most */
#define CAP_EVENT_NAME   96      /* bytes of a sensor's name and of an interface's, escaped */
#define CAP_SERVER_DAYS  1048576 /* 150 bytes each: 3,000 servers a day for a year */
#define CAP_VANTAGES     4096    /* taps of one report */
#define CAP_GARBLE_TEXTS 16384   /* that are told apart; a box writes one or a few */
#define CAP_GARBLE_TEXT  128     /* bytes of each, escaped: STARTTLS has eight */
#define CAP_MMDB         8       /* files that say of which AS and country an address is */

/* --- reports by TLSRPT (RFC 8460) --- */
#define CAP_TLSRPT_BYTES    4194304 /* of one, decompressed: 16,000 failures */
#define CAP_TLSRPT_DEPTH    16      /* of brackets; the format has five */
#define CAP_TLSRPT_POLICIES 1024    /* of one; a domain has one or two */
#define CAP_TLSRPT_FAILURES 65536   /* of one that are looked at */
#define CAP_TLSRPT_DAYS     31    /* of one; RFC 8460 section 4.1 wants one, and weeks were seen */
#define CAP_TLSRPT_TEXT     128   /* bytes kept of a name or a reason in one, escaped */
#define CAP_TLSRPT_ROWS     65536 /* failures of one kind and pair of hosts that are written */
#define CAP_TLSRPT_FILES    65536 /* in a directory of reports */
#define CAP_TLSRPT_FOUND    16384 /* findings in received reports, 1 KiB each */
#define CAP_OWN_DOMAINS     256   /* of the operator, with those of the configuration */
#define CAP_OWN_DAYS        65536 /* a domain on a day each */
#define CAP_BORDER_PAIRS    1048576 /* a sender and an exchanger on a day, 80 bytes each */
#define CAP_BORDER_DAYS     4096    /* on which anything was seen: eleven years */
#define CAP_HANDSHAKES      65536   /* whose session has not ended; a power of two */

/* --- live capture --- */
#define CAP_BPF_CODE   2048 /* instructions of a filter; the kernel takes 4,096 */
#define CAP_BPF_LABELS 128
#define CAP_INTERFACES 16 /* that one process looks at */
#define CAP_LIVE_BLOCK_MS                                                                          \
    4 /* that the kernel gathers packets for: it looks so often, and hands                         \
         out what it sees for the second time, so some wait for twice that */
#define CAP_LIVE_HOLD_MS                                                                           \
    25 /* a packet waits so long for earlier ones of other interfaces: twice                       \
          a tick of a kernel with 100 of them a second, and some */
#define CAP_LIVE_LOOK_MS  1000 /* between two looks at how the interfaces are */
#define CAP_LIVE_STEP_MS  100  /* by so much no clock is slewed (ntpd steps from 128 ms on) */
#define CAP_LIVE_RING_MIB 2047 /* of one interface: libpcap has 31 bits for its bytes */

/* --- processes --- */
#define CAP_MESSAGE_LINE    (CAP_JSON_LINE + 64) /* and what stands before it */
#define CAP_MESSAGE_STATE   65536                /* how a process is, in words */
#define CAP_MESSAGE_SOCKET  (4u << 20)  /* the kernel's buffer: a second of 1,000 sessions */
#define CAP_MESSAGE_WAITING (32u << 20) /* and what waits behind it: ten seconds more */
#define CAP_UNRAISED        (16u << 20) /* bytes of alerts that are not on disk yet: thousands */
#define CAP_HELD_SESSIONS   65536 /* open at a time that something is thought of; a power of two */
#define CAP_WATCHERS        16    /* processes that look at packets */

/* --- configuration --- */
#define CAP_INTERFACES      16     /* of one sensor: a machine that taps has two or four */
#define CAP_CONFIG_BYTES    262144 /* of a file; the default file with every comment has 6,000 */
#define CAP_CONFIG_FILES    64     /* the file and those of conf.d */
#define CAP_CONFIG_DEPTH    4      /* output: redis: kinds: [ */
#define CAP_CONFIG_NODES    16384  /* words and brackets of a file: ours have 200, and the nets */
#define CAP_CONFIG_VALUE    4096   /* bytes of a word: a filter */
#define CAP_CONFIG_KEY      128    /* bytes of a key with its sections; ours have 26 at most */
#define CAP_CONFIG_PROBLEMS 20     /* told of at a time: as many as a screen has */

/* --- the gate --- */
#define CAP_GATE_REQUEST  4096 /* bytes: Prometheus asks with some 300 */
#define CAP_GATE_VISITORS 12   /* of HTTP at a time */
#define CAP_GATE_CONTROLS 4    /* of the control socket: a flood of the others leaves them alone */
#define CAP_GATE_SECONDS  5    /* until they have asked, and again until they have the answer */

/* --- output --- */
#define CAP_JSON_LINE   65536                  /* one line of output */
#define CAP_FORMAT_LINE (CAP_JSON_LINE + 8192) /* of syslog: a line of ours, and its header */
#define CAP_ALERT_TEXT  1024                   /* a reason: two or three sentences */
#define CAP_FINDINGS    64 /* findings of one session: more than there are rules to fire */

#endif
