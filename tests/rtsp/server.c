// SPDX-License-Identifier: MIT
/*
 * A camera to test with: serves a clip over RTSP on loopback, in real time.
 *
 *	server PORT METHOD USER PASSWORD CLIP
 *
 * METHOD: none, basic or digest.  PORT 0: any; prints the port once it serves
 * rtsp://127.0.0.1:PORT/clip.
 */
#include <gst/rtsp-server/rtsp-server.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ask_for_login(GstRTSPServer *server, GstRTSPMediaFactory *factory,
	const char *method, const char *user, const char *password)
{
	GstRTSPAuth *auth = gst_rtsp_auth_new();
	GstRTSPToken *token =
		gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE,
			G_TYPE_STRING, "viewer", NULL);
	char *basic = gst_rtsp_auth_make_basic(user, password);

	gst_rtsp_media_factory_add_role(factory, "viewer",
		GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN, TRUE,
		GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE,
		NULL);
	if (!strcmp(method, "digest")) {
		gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
		gst_rtsp_auth_add_digest(auth, user, password, token);
	} else {
		gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_BASIC);
		gst_rtsp_auth_add_basic(auth, basic, token);
	}
	gst_rtsp_server_set_auth(server, auth);
	gst_rtsp_token_unref(token);
	g_object_unref(auth);
	g_free(basic);
}

int main(int argc, char **argv)
{
	GstRTSPServer *server;
	GstRTSPMediaFactory *factory;
	GstRTSPMountPoints *mounts;
	char launch[4096];

	if (argc != 6)
		return EXIT_FAILURE;
	gst_init(NULL, NULL);
	server = gst_rtsp_server_new();
	gst_rtsp_server_set_address(server, "127.0.0.1");
	gst_rtsp_server_set_service(server, argv[1]);
	factory = gst_rtsp_media_factory_new();
	snprintf(launch, sizeof(launch),
		"( filesrc location=\"%s\" ! avidemux ! avdec_msmpeg4 ! "
		"videoconvert ! jpegenc quality=70 ! identity sync=true ! "
		"rtpjpegpay name=pay0 pt=26 )",
		argv[5]);
	gst_rtsp_media_factory_set_launch(factory, launch);
	gst_rtsp_media_factory_set_protocols(factory, GST_RTSP_LOWER_TRANS_TCP);
	if (strcmp(argv[2], "none"))
		ask_for_login(server, factory, argv[2], argv[3], argv[4]);
	mounts = gst_rtsp_server_get_mount_points(server);
	gst_rtsp_mount_points_add_factory(mounts, "/clip", factory);
	g_object_unref(mounts);
	if (!gst_rtsp_server_attach(server, NULL))
		return EXIT_FAILURE;
	printf("%d\n", gst_rtsp_server_get_bound_port(server));
	fflush(stdout);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
	return EXIT_SUCCESS;
}
