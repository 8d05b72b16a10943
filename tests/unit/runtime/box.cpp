#include "unit/runtime/box.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace davit::runtime::test {
namespace fs = std::filesystem;
namespace {

constexpr char busybox[] = "/bin/busybox";

std::string make_image() {
    std::string root = "/tmp/image";
    for (const char* dir : {"bin", "etc", "tmp", "root", "proc", "sys", "dev", "var/lib"})
        fs::create_directories(root + "/" + dir);
    ::chmod((root + "/tmp").c_str(), 01777);
    fs::copy_file(busybox, root + "/bin/busybox");
    SpawnOptions list;
    list.argv = {busybox, "--list"};
    std::istringstream names(run(list).out);
    for (std::string name; std::getline(names, name);)
        if (name != "busybox") fs::create_symlink("busybox", root + "/bin/" + name);
    write_file_in_place(root + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/usr/sbin:/bin/sh\n"
                                              "web:x:1000:1000::/home/web:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n");
    write_file_in_place(root + "/etc/group",
                        "root:x:0:\nadm:x:4:web\ndaemon:x:1:\nweb:x:1000:\nextra:x:77:web,nobody\n");
    return root;
}

} // namespace

void need_machine() {
    if (::geteuid() == 0 && exists(busybox)) return;
    MESSAGE("needs root and a static busybox");
    std::_Exit(77);
}

const HostFacts& host() {
    static const HostFacts facts = HostFacts::probe();
    return facts;
}

int shim_exe() {
    const char* elsewhere = std::getenv("DAVIT_SHIM_EXE"); // on a machine without the build directory
    static const UniqueFd fd = sealed_copy(elsewhere ? elsewhere : DAVIT_SHIM);
    return fd.get();
}

const std::string& image() {
    static const std::string root = make_image();
    return root;
}

UniqueFd memfd_of(const std::string& bytes) { return sys::sealed_memfd("steps", bytes); }

std::string drain(int fd) {
    std::string out;
    for (char buffer[4096];;) {
        ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return out;
        out.append(buffer, static_cast<std::size_t>(n));
    }
}

std::string in_cgroup(const std::string& controller, const std::string& v1_file, const std::string& v2_file) {
    bool v2 = host().cgroup_v2_only;
    const std::string& file = v2 && !v2_file.empty() ? v2_file : v1_file;
    return "/sys/fs/cgroup" + (v2 ? "" : "/" + controller) + (file.empty() ? "" : "/" + file);
}

Box::Box(std::vector<std::string> args) {
    need_machine();
    std::string id = sys::random_hex(64);
    dir_ = "/tmp/box-" + id.substr(0, 12);
    for (const char* part : {"/upper", "/work", "/run", "/log"}) sys::make_dirs(dir_ + part);
    ::chmod((dir_ + "/upper").c_str(), 0755);
    spec = default_spec();
    spec.id = id;
    spec.cgroup = "davit/test/" + id;
    spec.hostname = id.substr(0, 12);
    spec.process.args = std::move(args);
    spec.process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "HOSTNAME=" + spec.hostname};
    spec.root.overlay = {{image()}, dir_ + "/upper", dir_ + "/work"};
    start.shim_exe = shim_exe();
    start.id = id;
    start.run_dir = dir_ + "/run";
    start.log.path = dir_ + "/log/" + id + "-json.log";
}

Box::~Box() {
    if (!shim.process) return;
    if (!exited) {
        shim.control.signal(9);
        try {
            wait_exited();
        } catch (const Error&) {}
    }
    shim.process.wait();
}

void Box::launch() {
    CompileOptions options;
    options.bpf_cache_dir = "/tmp/bpf";
    steps_ = memfd_of(compile(spec, facts, options, &warnings));
    start.steps_fd = steps_.get();
    shim = start_shim(start);
}

Started Box::wait_started() {
    for (;;) {
        ShimEvent event = shim.control.wait_any(limit);
        if (auto* failed = std::get_if<StartFailed>(&event)) {
            exited = Exited{};
            throw failed->error;
        }
        if (auto* warning = std::get_if<Warning>(&event)) warnings.push_back(warning->text);
        if (auto* started = std::get_if<Started>(&event)) return *started;
    }
}

Exited Box::wait_exited() {
    for (;;) {
        ShimEvent event = shim.control.wait_any(limit);
        if (auto* failed = std::get_if<StartFailed>(&event)) {
            exited = Exited{};
            throw failed->error;
        }
        if (auto* warning = std::get_if<Warning>(&event)) warnings.push_back(warning->text);
        if (auto* end = std::get_if<Exited>(&event)) return *(exited = *end);
    }
}

std::string Box::start_error() {
    launch();
    try {
        wait_started();
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

std::string Box::output() {
    launch();
    wait_exited();
    return log_text();
}

std::string Box::log() const { return read_file_if_exists(start.log.path).value_or(""); }

std::string Box::log_text(const std::string& stream) const {
    std::string out;
    std::istringstream lines(log());
    for (std::string line; std::getline(lines, line);) {
        if (lines.eof()) break; // the shim is just writing this one
        auto j = nlohmann::json::parse(line);
        if (stream.empty() || j.at("stream") == stream) out += j.at("log").get<std::string>();
    }
    return out;
}

Box::ExecResult Box::exec(std::vector<std::string> args, const std::string& input) {
    ExecSpec e = exec_spec(spec);
    e.process.args = std::move(args);
    return exec(e, input);
}

namespace {

UniqueFd exec_steps(const ExecSpec& e) {
    CompileOptions options;
    options.bpf_cache_dir = "/tmp/bpf";
    return memfd_of(compile_exec(e, host(), options));
}

Box::ExecResult wait_for_end(ShimConnection& connection, std::uint32_t number) {
    Box::ExecResult result;
    for (;;) {
        ShimEvent event = connection.wait_any(limit);
        if (auto* failed = std::get_if<ExecFailed>(&event)) {
            result.error = failed->error.what();
            result.code = failed->error.exit_code();
            return result;
        }
        if (auto* ended = std::get_if<ExecExited>(&event); ended && ended->exec == number) {
            result.code = ended->code;
            return result;
        }
    }
}

} // namespace

Box::ExecResult Box::exec(const ExecSpec& e, const std::string& input) {
    UniqueFd steps = exec_steps(e);
    FdPair in = sys::pipe(), out = sys::pipe(), err = sys::pipe();
    auto connection = ShimConnection::connect(start.run_dir);
    REQUIRE(connection);
    std::uint32_t number = connection->exec({steps.get(), in.first.get(), out.second.get(), err.second.get()});
    in.first.reset();
    out.second.reset();
    err.second.reset();
    sys::write_all(in.second.get(), input);
    in.second.reset();
    ExecResult result = wait_for_end(*connection, number);
    result.out = drain(out.first.get());
    result.err = drain(err.first.get());
    return result;
}

Box::ExecResult Box::exec_without_input(const ExecSpec& e, bool outputs) {
    UniqueFd steps = exec_steps(e);
    FdPair out = sys::pipe();
    auto connection = ShimConnection::connect(start.run_dir);
    REQUIRE(connection);
    ExecRequest request;
    request.steps_fd = steps.get();
    if (outputs) request.stdout_fd = request.stderr_fd = out.second.get();
    std::uint32_t number = connection->exec(request);
    out.second.reset();
    ExecResult result = wait_for_end(*connection, number);
    result.out = drain(out.first.get());
    return result;
}

} // namespace davit::runtime::test
