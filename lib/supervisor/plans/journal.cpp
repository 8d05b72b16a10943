#include "supervisor/plans/journal.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "project/plan_fields.hpp"
#include "project/store.hpp"

#include <fcntl.h>
#include <sstream>
#include <string_view>
#include <unistd.h>

namespace davit::supervisor {

Journal::Journal(const std::string& run_dir, const std::string& beside)
    : plan_(run_dir + (beside.empty() ? "/plan" : "/plan-" + beside)), done_file_(plan_ + ".done") {
    plan_ += ".json";
}

std::vector<Journal::Found> Journal::read_all(const std::string& run_dir) {
    constexpr std::string_view stem = "plan", plan_end = ".json", done_end = ".done";
    std::vector<Found> out;
    for (const std::string& name : list_directory(run_dir)) {
        if (!name.starts_with(stem) || !(name.ends_with(plan_end) || name.ends_with(done_end))) continue;
        std::string beside = name.substr(stem.size(), name.size() - stem.size() - plan_end.size());
        if (beside.starts_with('-')) beside.erase(0, 1);
        Journal journal(run_dir, beside);
        auto found = journal.read();
        if (!found) journal.end();
        else if (name.ends_with(plan_end)) out.push_back(std::move(*found));
    }
    return out;
}

std::optional<Journal::Found> Journal::read() const {
    auto text = read_file_if_exists(plan_);
    if (!text) return std::nullopt;
    try {
        auto value = json::parse_text(*text);
        Found found;
        found.token = value.at("token").get<std::string>();
        const json::Value& plan = value.at("plan");
        found.plan = plan.is_string() ? plan_from_json(plan.get<std::string>()) : plan.get<Plan>(); // text: until 0.1
        std::istringstream lines(read_file_if_exists(done_file_).value_or(""));
        for (int id; lines >> id;) found.done.insert(id);
        return found;
    } catch (const std::exception& e) {
        log::warning("the journal of an interrupted plan cannot be read: {}", e.what());
        return std::nullopt;
    }
}

void Journal::begin(const std::string& token, const Plan& plan) {
    ::unlink(done_file_.c_str());
    json::Value value{{"token", token}, {"plan", plan}};
    kept_ = false;
    try {
        write_file_making(plan_, json::dump(value), 0600, false);
        done_ = sys::open(done_file_, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0600);
        kept_ = true;
    } catch (const Error& e) {
        give_up(e);
    }
}

void Journal::done(int operation) {
    if (!kept_) return;
    try {
        sys::write_all(done_.get(), std::to_string(operation) + "\n");
    } catch (const Error& e) {
        give_up(e);
    }
}

// Without a journal a plan still runs, and so does what frees the disk; only a supervisor that is killed now
// cannot go on with it. Half a journal would have operations done twice.
void Journal::give_up(const Error& why) {
    log::warning("the plan runs without its journal: {}", why.what());
    end();
}

void Journal::end() {
    kept_ = false;
    done_.reset();
    ::unlink(plan_.c_str());
    ::unlink(done_file_.c_str());
}

} // namespace davit::supervisor
