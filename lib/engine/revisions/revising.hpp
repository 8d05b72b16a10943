// What an `up` has to do with the project's history.
#pragma once

#include "davit/plan.hpp"
#include "project/revision_store.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace davit {

// The images of a revision stand for its references, whatever these name by now.
struct ImagePins {
    std::map<std::string, std::string> services;   // service → id
    std::map<std::string, std::string> references; // of hooks and mounts → id
    std::string of(const std::string& service, const std::string& reference) const {
        auto it = services.find(service);
        return it == services.end() ? reference : it->second;
    }
};

struct Revising {
    std::string command;              // of the revision that is made; empty: none is
    std::optional<ImagePins> pins;    // a rollback
    std::set<std::string> retired;    // services that leave with what runs
    bool contents_count = false;      // another content of a config or secret makes a new container
    std::map<std::string, int> scale; // what the command says
};

// One revision on its way to the disk: written before anything is done, so that a client that is killed leaves it, and
// marked when not all of it came about.
class RevisionInTheMaking {
public:
    RevisionInTheMaking(const Roots& roots, const std::string& owner) : store_(roots, owner) {}
    const RevisionStore& store() const { return store_; }
    // Whether the plan is worth one: what is only started was there before, unless it failed to start then.
    bool due(const Plan& plan) const;

    // contents: by hash. What was written before of it is replaced: the plan was stale.
    void write(Revision&& revision, const std::map<std::string, std::string>& contents);
    void failed(const std::string& why);
    void drop(); // nothing had to be done after all
    // The plan was carried out, or not: what is too old goes.
    void tidy();
    int number() const { return number_; } // 0: none was made

private:
    RevisionStore store_;
    int number_ = 0;
    std::set<std::string> hashes_;
};

} // namespace davit
