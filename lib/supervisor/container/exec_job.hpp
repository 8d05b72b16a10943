// One command inside a container (healthcheck, hook): its output, its end, its time limit.
#pragma once

#include "base/event_loop.hpp"
#include "base/fd.hpp"
#include "davit/error.hpp"
#include "runtime/exec_client.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace davit::supervisor {

class ExecJob {
public:
    struct Result {
        int exit_code = -1;
        bool timed_out = false;
        std::string output;         // stdout and stderr as they came, at most the limit
        std::optional<Error> error; // it could not be run
    };
    using Done = std::function<void(Result)>;

    // Sends the request at once; throws when the steps cannot be opened. timeout 0: none.
    ExecJob(EventLoop& loop, runtime::ShimConnection& shim, const std::string& steps_file,
            std::chrono::nanoseconds timeout, std::size_t output_limit, Done done);

    std::uint32_t id() const { return client_.id(); }
    // From the shim, for this id. done is called last: it may destroy the job.
    void failed(const Error& error);
    void exited(int code);
    void abort(const std::string& why); // the container or its shim is gone

private:
    void read_output();
    void finish();

    runtime::ShimConnection& shim_;
    std::size_t limit_;
    Done done_;
    runtime::ExecClient client_;
    Result result_;
    EventLoop::Watch watch_, timer_;
};

} // namespace davit::supervisor
