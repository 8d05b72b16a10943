// davit in a chroot, such as a rescue or build root: the container's mount namespace holds its root alone.
#include "unit/runtime/box.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sstream>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

namespace {

// This process is in a chroot until it leaves; the shims that it started stay there. With mount_point its root is one,
// as with a bind, else a plain directory.
class Chroot {
public:
    explicit Chroot(bool mount_point)
        : dir_(mount_point ? "/tmp/mounted-root" : "/tmp/plain-root"), back_(sys::open("/", O_PATH | O_DIRECTORY)) {
        sys::make_dirs(dir_, 0755);
        if (mount_point) bind(dir_, "");
        for (const char* part : {"/proc", "/sys", "/dev", "/tmp"}) {
            sys::make_dirs(dir_ + part, 0755);
            bind(part, part);
        }
        REQUIRE(::chroot(dir_.c_str()) == 0);
        REQUIRE(::chdir("/") == 0);
    }
    ~Chroot() {
        leave();
        for (; !mounts_.empty(); mounts_.pop_back()) CHECK(::umount2(mounts_.back().c_str(), MNT_DETACH) == 0);
    }
    Chroot(const Chroot&) = delete;
    void leave() {
        if (!back_) return;
        CHECK(::fchdir(back_.get()) == 0);
        CHECK(::chroot(".") == 0);
        back_.reset();
    }

private:
    void bind(const std::string& what, const std::string& where) {
        mounts_.push_back(dir_ + where);
        REQUIRE(::mount(what.c_str(), mounts_.back().c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0);
        // Under systemd all mounts are shared: taking the copy of /sys away would take the machine's cgroups, too.
        REQUIRE(::mount(nullptr, mounts_.back().c_str(), nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    }
    std::string dir_;
    std::vector<std::string> mounts_;
    UniqueFd back_;
};

struct Place {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Place&) const = default;
};
Place place_of(const std::string& path) {
    struct stat st {};
    REQUIRE(::stat(path.c_str(), &st) == 0);
    return {st.st_dev, st.st_ino};
}

// Where setns(2) into the mount namespace of a process leads.
Place root_of_namespace(pid_t pid) {
    UniqueFd ns = sys::open(fmt::format("/proc/{}/ns/mnt", pid), O_RDONLY);
    FdPair pipe = sys::pipe();
    const pid_t child = ::fork();
    if (child == 0) {
        struct stat st {};
        if (::setns(ns.get(), CLONE_NEWNS) < 0 || ::stat("/", &st) < 0) ::_exit(1);
        const Place found{st.st_dev, st.st_ino};
        ::_exit(::write(pipe.second.get(), &found, sizeof found) == sizeof found ? 0 : 1);
    }
    pipe.second.reset();
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    Place found;
    REQUIRE(::read(pipe.first.get(), &found, sizeof found) == sizeof found);
    return found;
}

// The fifth field of mountinfo: where each mount of a process stands.
std::vector<std::string> mount_points(pid_t pid) {
    std::istringstream lines(read_file(fmt::format("/proc/{}/mountinfo", pid)));
    std::vector<std::string> out;
    for (std::string line, field; std::getline(lines, line);) {
        std::istringstream fields(line);
        for (int i = 0; i < 5; ++i) fields >> field;
        out.push_back(field);
    }
    return out;
}

void check_container(Box& box, const Started& started) {
    const Place root = place_of(fmt::format("/proc/{}/root/", started.pid));
    CHECK(root_of_namespace(started.pid) == root);
    // Only its own mounts are left: the first is its root, and no parent is missing above it.
    const std::vector<std::string> mounts = mount_points(started.pid);
    REQUIRE(!mounts.empty());
    CHECK(mounts.front() == "/");
    for (const std::string& at : mounts) CHECK_MESSAGE(!at.starts_with("/tmp/"), at);
    CHECK(box.exec({"/onlooker", "climb"}).code == 0);
    auto inside = box.exec({"sh", "-c",
                            "pwd; cat /volume/file; test $(ls / | wc -l) = $(ls /proc/1/root/ | wc -l) && echo same; "
                            "stat -L -c %d:%i /proc/self/root/"});
    CHECK(inside.out == fmt::format("/\nof the chroot\nsame\n{}:{}\n", root.device, root.inode));
    ExecSpec check = exec_spec(box.spec);
    check.process.args = {"sh", "-c", "pwd; head -c1 | wc -c"};
    check.process.cwd = "/etc";
    CHECK(box.exec_without_input(check).out == "/etc\n0\n");
}

} // namespace

TEST_CASE("outside a chroot setns into a container shows its root, and nothing leads out") {
    write_file_in_place("/tmp/file", "of the chroot\n");
    Box box({"sleep", "1000"});
    with_onlooker(box);
    Mount m;
    m.source = "/tmp";
    m.destination = "/volume";
    add_mount(box.spec, m);
    box.launch();
    check_container(box, box.wait_started());
}

TEST_CASE("in a chroot a container starts, executes and keeps what it climbs in") {
    write_file_in_place("/tmp/file", "of the chroot\n");
    for (bool mount_point : {true, false}) {
        CAPTURE(mount_point);
        std::optional<Chroot> chroot; // ends after the shims in it
        Box peer({"sleep", "1000"});
        peer.launch();
        const Started first = peer.wait_started();
        UniqueFd pid_ns = sys::open(fmt::format("/proc/{}/ns/pid", first.pid), O_RDONLY),
                 ipc_ns = sys::open(fmt::format("/proc/{}/ns/ipc", first.pid), O_RDONLY);
        UniqueFd pidfd = sys::pidfd_open(first.pid);
        Box box({"sleep", "1000"}), joins({"sleep", "1000"});
        Mount volume;
        volume.source = "/tmp";
        volume.destination = "/volume";
        for (Box* b : {&box, &joins}) {
            with_onlooker(*b);
            add_mount(b->spec, volume);
        }
        joins.spec.ns.pid.mode = joins.spec.ns.ipc.mode = NsMode::passed;
        joins.start.pid_ns = pid_ns.get(), joins.start.ipc_ns = ipc_ns.get();
        joins.start.peer_pidfd = joins.start.pid_peer_pidfd = pidfd.get();
        Mount shm; // leads through the peer's mount namespace and back into the chroot
        shm.kind = Mount::Kind::peer;
        shm.source = shm.destination = "/dev/shm";
        add_mount(joins.spec, shm);
        chroot.emplace(mount_point);
        box.launch();
        const Started started = box.wait_started();
        joins.launch();
        const Started joined = joins.wait_started();
        chroot->leave();
        check_container(box, started);
        const Place root = place_of(fmt::format("/proc/{}/root/", joined.pid));
        CHECK(root_of_namespace(joined.pid) == root);
        CHECK(joins.exec({"/onlooker", "climb"}).code == 0);
        CHECK(joins.exec({"cat", "/volume/file"}).out == "of the chroot\n");
    }
}
