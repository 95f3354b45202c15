/* The least that a file system of one file costs in C: libfuse's low-level interface, and nothing is decided.
 *
 *   bare_libfuse MOUNT FILE SECONDS      serves FILE's bytes at MOUNT/shop/prod/.env until SIGTERM
 *
 * SECONDS: for how long the kernel may remember names and attributes. For root the mount is open to all users. Content
 * is not cached and flush is answered once, with ENOSYS, as by EnvFS.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOT = 1, VIEW = 4 };
static const char *const names[] = {"", "", "shop", "prod", ".env"}; /* by inode: each stands in the one before it */
static char text[1 << 16];
static size_t size;
static double seconds;

static struct stat description(fuse_ino_t inode)
{
    return (struct stat){
        .st_ino = inode,
        .st_nlink = 1,
        .st_mode = inode == VIEW ? S_IFREG | 0444 : S_IFDIR | 0555,
        .st_size = inode == VIEW ? (off_t)size : 0,
    };
}

static void look_up(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    if (parent >= VIEW || strcmp(name, names[parent + 1]) != 0) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    struct fuse_entry_param entry = {
        .ino = parent + 1, .attr = description(parent + 1), .attr_timeout = seconds, .entry_timeout = seconds};
    fuse_reply_entry(request, &entry);
}

static void describe(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    (void)file;
    struct stat about = description(inode);
    fuse_reply_attr(request, &about, seconds);
}

static void open_file(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    (void)inode;
    file->direct_io = 1;
    fuse_reply_open(request, file);
}

static void read_file(fuse_req_t request, fuse_ino_t inode, size_t most, off_t start, struct fuse_file_info *file)
{
    (void)inode, (void)file;
    size_t left = (size_t)start < size ? size - start : 0;
    fuse_reply_buf(request, text + (left ? start : 0), left < most ? left : most);
}

static void release(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    (void)inode, (void)file;
    fuse_reply_err(request, 0);
}

int main(int count, char **word)
{
    FILE *file = count == 4 ? fopen(word[2], "rb") : NULL;
    if (!file)
        return 2;
    size = fread(text, 1, sizeof text, file);
    fclose(file);
    seconds = atof(word[3]);

    const struct fuse_lowlevel_ops answers = {
        .lookup = look_up, .getattr = describe, .open = open_file, .read = read_file, .release = release};
    char *options[] = {"bare_libfuse", getuid() ? "-osubtype=bare" : "-osubtype=bare,allow_other"};
    struct fuse_args arguments = FUSE_ARGS_INIT(2, options);
    struct fuse_session *session = fuse_session_new(&arguments, &answers, sizeof answers, NULL);
    if (!session || fuse_set_signal_handlers(session) || fuse_session_mount(session, word[1]))
        return 1;
    fuse_session_loop(session);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    return 0;
}
