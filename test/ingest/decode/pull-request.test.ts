import { describe, expect, it } from "vitest";
import {
  branchName,
  lastName,
  ownedName,
  pullRequestName,
  repositoryName,
} from "../../../src/ingest/decode/pull-request.ts";

describe("a pull request", () => {
  it.each([
    ["acme/shop#12", "acme/shop#12"],
    ["group/sub/shop!12", "group/sub/shop#12"],
    [" acme/shop#012 ", "acme/shop#12"],
    ["https://github.com/acme/shop/pull/12", "acme/shop#12"],
    ["https://github.com/acme/shop/pull/12/files?w=1#diff", "acme/shop#12"],
    ["https://ada:secret@git.acme.example:8443/acme/shop/pull/12", "acme/shop#12"],
    ["https://api.github.com/repos/acme/shop/pulls/12", "acme/shop#12"],
    ["https://git.acme.example/api/v3/repos/acme/shop/pulls/12", "acme/shop#12"],
    ["https://gitlab.com/group/sub/shop/-/merge_requests/12/diffs", "group/sub/shop#12"],
    ["https://gitlab.com/acme/shop/merge_requests/12", "acme/shop#12"],
    ["https://gitea.example/acme/shop/pulls/12", "acme/shop#12"],
    ["https://bitbucket.org/acme/shop/pull-requests/12", "acme/shop#12"],
    ["https://git.example/projects/ACME/repos/shop/pull-requests/12/overview", "ACME/shop#12"],
    ["https://dev.azure.com/acme/web/_git/shop/pullrequest/12", "acme/web/shop#12"],
    // A repository that has such a name itself.
    ["https://github.com/acme/pull/pull/12", "acme/pull#12"],
  ])("%s is %s", (said, name) => expect(pullRequestName(said, "other/repository")).toBe(name));

  it.each([
    ["12", "acme/shop", "acme/shop#12"],
    ["#12", "shop", "shop#12"],
    ["!12", null, "#12"],
    ["refs/pull/12/merge", "acme/shop", "acme/shop#12"],
    ["refs/merge-requests/12/head", "acme/shop", "acme/shop#12"],
  ])("%s of %s is %s", (said, repository, name) => expect(pullRequestName(said, repository)).toBe(name));

  it.each([
    ["CR-17", "CR-17"],
    ["12 or 13", "12 or 13"],
    ["https://ada:secret@review.example/c/shop/+/4711?token=secret#x", "review.example/c/shop/+/4711"],
    ["https://github.com/acme/shop/pull/", "github.com/acme/shop/pull"],
    ["x".repeat(2_000), "x".repeat(2_000)],
  ])("%s stays, without what is secret in an address", (said, name) =>
    expect(pullRequestName(said, "acme/shop")).toBe(name),
  );
});

describe("a repository", () => {
  it.each([
    ["https://github.com/acme/shop.git", "shop", "acme/shop"],
    ["https://x-access-token:secret@github.com/acme/shop.git/", "shop", "acme/shop"],
    ["git@github.com:acme/shop.git", "shop", "acme/shop"],
    ["ssh://git@git.example:2222/group/sub/shop.git", "shop", "group/sub/shop"],
    ["https://dev.azure.com/acme/web/_git/shop", "shop", "acme/web/shop"],
  ])("%s is %s of %s", (address, name, owned) => {
    expect(repositoryName(address)).toBe(name);
    expect(lastName(address)).toBe(name);
    expect(ownedName(address)).toBe(owned);
  });

  it("keeps a name as it is written", () => {
    expect(["shop", "acme/shop"].map(repositoryName)).toEqual(["shop", "acme/shop"]);
    expect(["shop", "acme/shop", "a b/c"].map(ownedName)).toEqual([null, "acme/shop", null]);
    expect(lastName("acme/shop")).toBe("shop");
  });
});

it("names a branch, and no tag and no merge of a pull request", () => {
  expect(["main", "feature/x", "refs/heads/feature/x"].map(branchName)).toEqual(["main", "feature/x", "feature/x"]);
  expect(["refs/tags/v1", "refs/pull/12/merge", "refs/heads/", ""].map(branchName)).toEqual([null, null, null, null]);
});
