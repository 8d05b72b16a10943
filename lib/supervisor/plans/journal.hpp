// <run>/projects/<p>/plan.json and plan.done: the plan that runs, and which of its operations have
// ended, so that the next supervisor goes on where this one was killed. One that runs beside others: plan-<token>.
#pragma once

#include "base/fd.hpp"
#include "davit/error.hpp"
#include "davit/plan.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::supervisor {

class Journal {
public:
    // beside: the token of a plan that runs beside others, or nothing.
    explicit Journal(const std::string& run_dir, const std::string& beside = {});

    struct Found {
        std::string token;
        Plan plan;
        std::set<int> done;
    };
    // What an earlier supervisor left; a torn journal is as none.
    std::optional<Found> read() const;
    static std::vector<Found> read_all(const std::string& run_dir); // torn ones are removed

    void begin(const std::string& token, const Plan& plan);
    void done(int operation);
    void end();

private:
    void give_up(const Error& why);

    std::string plan_, done_file_;
    UniqueFd done_;
    bool kept_ = false;
};

} // namespace davit::supervisor
