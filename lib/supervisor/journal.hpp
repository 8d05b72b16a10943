// <run>/projects/<p>/plan.json and plan.done: the plan that runs, and which of its operations have
// ended, so that the next supervisor goes on where this one was killed.
#pragma once

#include "base/fd.hpp"
#include "davit/error.hpp"
#include "davit/plan.hpp"

#include <optional>
#include <set>
#include <string>

namespace davit::supervisor {

class Journal {
public:
    explicit Journal(std::string run_dir) : dir_(std::move(run_dir)) {}

    struct Found {
        std::string token;
        Plan plan;
        std::set<int> done;
    };
    // What an earlier supervisor left; a torn journal is as none.
    std::optional<Found> read() const;

    void begin(const std::string& token, const Plan& plan);
    void done(int operation);
    void end();

private:
    void give_up(const Error& why);

    std::string dir_;
    UniqueFd done_;
    bool kept_ = false;
};

} // namespace davit::supervisor
