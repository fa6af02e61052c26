// Preact and its hooks, with htm's tagged templates bound to it: components without a build step.
import { Component, Fragment, createContext, createElement, render } from "preact";
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import htm from "htm";

const html = htm.bind(createElement);

export {
  Component,
  Fragment,
  createContext,
  createElement,
  html,
  render,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
};
