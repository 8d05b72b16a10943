#include "engine/step_files.hpp"

#include "base/sys.hpp"
#include "engine/exec.hpp"

#include <fcntl.h>
#include <fmt/format.h>

namespace davit {

namespace {

ExecOptions process_of(const HookRecord& hook) {
    ExecOptions o;
    o.command = hook.command;
    o.environment = hook.environment;
    o.user = hook.user;
    o.working_dir = hook.working_dir;
    o.privileged = hook.privileged;
    o.interactive = false;
    return o;
}

ExecOptions process_of(const HealthcheckRecord& check) {
    ExecOptions o;
    if (check.test.front() == "CMD-SHELL") o.command = {"/bin/sh", "-c"};
    o.command.insert(o.command.end(), check.test.begin() + 1, check.test.end());
    o.interactive = false;
    return o;
}

// Not atomic, not synced: until the container begins nobody reads it, and after a crash it is made again.
void put_steps(const std::string& path, std::string_view bytes) {
    sys::write_all(sys::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600).get(), bytes);
}

} // namespace

void compile_step_files(const std::string& directory, const ContainerRecord& record, const runtime::Spec& spec,
                        const runtime::HostFacts& host, const runtime::CompileOptions& options,
                        std::vector<std::string>* warnings) {
    put_steps(directory + "/plan.bin", runtime::compile(spec, host, options, warnings));
    auto exec = [&](const ExecOptions& process, const std::string& file) {
        put_steps(directory + file, runtime::compile_exec(describe_exec(spec, process), host, options, warnings));
    };
    if (record.healthcheck) exec(process_of(*record.healthcheck), "/health.bin");
    auto hooks = [&](const std::vector<HookRecord>& list, const char* name) {
        for (std::size_t i = 0; i < list.size(); ++i) exec(process_of(list[i]), fmt::format("/{}.{}.bin", name, i));
    };
    hooks(record.post_start, "post_start");
    hooks(record.pre_stop, "pre_stop");
}

} // namespace davit
