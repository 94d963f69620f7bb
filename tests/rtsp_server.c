/* rtsp_server.c - GStreamer's RTSP server with a moving H.264 test picture, for cli/view_rtsp.sh.
 *
 *     rtsp_server PORT [USER:PASSWORD | rubbish]
 *
 * It serves rtsp://127.0.0.1:PORT/test, 320x240 at 15 frames a second, with digest authentication
 * if a password is given; port 0 is a free one. It prints the port when it is ready, and
 * at SIGHUP hangs up on everybody. From SIGUSR1 to the next it damages what it sends, and prints a line
 * each 30 packets. With "rubbish" it is no such server: it says what makes no
 * sense to whoever comes, and prints a line. */
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char pipeline[] =
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=15/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 threads=1 "
    "! rtph264pay name=pay0 config-interval=-1 )";

static GstRTSPFilterResult close_client(GstRTSPServer *server, GstRTSPClient *client, gpointer context)
{
    (void)server;
    (void)context;
    gst_rtsp_client_close(client);
    return GST_RTSP_FILTER_REMOVE;
}

static gboolean hang_up(gpointer server)
{
    gst_rtsp_server_client_filter(server, close_client, NULL);
    return G_SOURCE_CONTINUE;
}

/* Only who says that password may see the picture; login becomes USER alone. */
static void set_password(GstRTSPServer *server, GstRTSPMediaFactory *factory, char *login)
{
    char *const colon = strchr(login, ':');
    if (!colon) g_error("found '%s', expected USER:PASSWORD", login);
    *colon = '\0';
    GstRTSPAuth *auth = gst_rtsp_auth_new();
    GstRTSPToken *user = gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", NULL);
    gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
    gst_rtsp_auth_add_digest(auth, login, colon + 1, user);
    gst_rtsp_media_factory_add_role(factory, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN, TRUE,
                                    GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE, NULL);
    gst_rtsp_server_set_auth(server, auth);
    gst_rtsp_token_unref(user);
    g_object_unref(auth);
}

/* ---- damage ------------------------------------------------------------------------------------ */

static gint damaging;               /* atomic */

static gboolean damage_or_not(gpointer context)
{
    (void)context;
    g_atomic_int_set(&damaging, !g_atomic_int_get(&damaging));
    return G_SOURCE_CONTINUE;
}

/* Noise in place of every other packet's payload, and a bit here and there in the rest. */
static void damage(GstBuffer *packet)
{
    enum { HEADER = 12 };
    static gint count;
    GstMapInfo map;
    const int n = g_atomic_int_add(&count, 1);
    if (!gst_buffer_map(packet, &map, GST_MAP_READWRITE)) return;
    for (gsize i = HEADER; i < map.size; i++) {
        if (n % 2) map.data[i] = (guint8)g_random_int();
        else if (g_random_int_range(0, 50) == 0) map.data[i] ^= (guint8)(1 << g_random_int_range(0, 8));
    }
    gst_buffer_unmap(packet, &map);
    if (n % 30 == 29) {
        puts("damaged");
        fflush(stdout);
    }
}

static GstPadProbeReturn damage_packets(GstPad *pad, GstPadProbeInfo *info, gpointer context)
{
    (void)pad;
    (void)context;
    if (!g_atomic_int_get(&damaging)) return GST_PAD_PROBE_OK;
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
        info->data = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
        damage(GST_PAD_PROBE_INFO_BUFFER(info));
    } else {
        info->data = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
        GstBufferList *packets = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
        for (guint i = 0; i < gst_buffer_list_length(packets); i++) damage(gst_buffer_list_get_writable(packets, i));
    }
    return GST_PAD_PROBE_OK;
}

static void watch_packets(GstRTSPMediaFactory *factory, GstRTSPMedia *media, gpointer context)
{
    (void)factory;
    (void)context;
    GstElement *whole = gst_rtsp_media_get_element(media);
    GstElement *payloader = gst_bin_get_by_name_recurse_up(GST_BIN(whole), "pay0");
    GstPad *pad = gst_element_get_static_pad(payloader, "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, damage_packets, NULL, NULL);
    gst_object_unref(pad);
    gst_object_unref(payloader);
    gst_object_unref(whole);
}

/* ---- rubbish ----------------------------------------------------------------------------------- */

/* By turns: noise and the end; a long answer that never comes; noise that goes on in silence. */
static gboolean say_rubbish(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer count)
{
    (void)service;
    (void)source;
    static const char promise[] = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 2000000000\r\n\r\nv=0\r\n";
    char noise[10000];
    const int n = (*(int *)count)++;
    GOutputStream *const out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)g_random_int();
    if (n % 3 == 1) g_output_stream_write_all(out, promise, sizeof promise - 1, NULL, NULL, NULL);
    else g_output_stream_write_all(out, noise, sizeof noise, NULL, NULL, NULL);
    if (n % 3 != 0) g_object_ref(connection);           /* held until the program ends */
    puts("somebody came");
    fflush(stdout);
    return TRUE;
}

static int talk_rubbish(int port)
{
    int count = 0;
    GSocketService *service = g_socket_service_new();
    GInetAddress *here = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    GSocketAddress *address = g_inet_socket_address_new(here, (guint16)port);
    if (!g_socket_listener_add_address(G_SOCKET_LISTENER(service), address, G_SOCKET_TYPE_STREAM,
                                       G_SOCKET_PROTOCOL_TCP, NULL, NULL, NULL)) return 1;
    g_signal_connect(service, "incoming", G_CALLBACK(say_rubbish), &count);
    printf("%d\n", port);
    fflush(stdout);
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: rtsp_server PORT [USER:PASSWORD | rubbish]\n", stderr);
        return 2;
    }
    if (argc > 2 && strcmp(argv[2], "rubbish") == 0) return talk_rubbish(atoi(argv[1]));
    gst_init(NULL, NULL);
    GstElementFactory *encoder = gst_element_factory_find("x264enc");
    GstElementFactory *payloader = gst_element_factory_find("rtph264pay");
    if (!encoder || !payloader) {
        fputs("rtsp_server: GStreamer has no x264enc or rtph264pay\n", stderr);
        return 77;
    }
    GstRTSPServer *server = gst_rtsp_server_new();
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
    gst_rtsp_media_factory_set_launch(factory, pipeline);
    g_signal_connect(factory, "media-configure", G_CALLBACK(watch_packets), NULL);
    if (argc > 2) set_password(server, factory, argv[2]);
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(server);
    gst_rtsp_mount_points_add_factory(mounts, "/test", factory);
    gst_rtsp_server_set_address(server, "127.0.0.1");
    gst_rtsp_server_set_service(server, argv[1]);
    if (!gst_rtsp_server_attach(server, NULL)) {
        fprintf(stderr, "rtsp_server: cannot listen on port %s\n", argv[1]);
        return 1;
    }
    g_unix_signal_add(SIGHUP, hang_up, server);
    g_unix_signal_add(SIGUSR1, damage_or_not, NULL);
    printf("%d\n", gst_rtsp_server_get_bound_port(server));
    fflush(stdout);
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
    return 0;
}
